import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import type { Names } from './lab.js';

interface RecordedCase {
  readonly id: string;
  readonly title: string;
  readonly result: Readonly<Record<string, unknown>>;
}

const file = JSON.parse(readFileSync(new URL('transcripts.json', import.meta.url), 'utf8')) as {
  readonly cases: readonly RecordedCase[];
};

/** All cases of the recording, in its order. */
export const cases = file.cases;

/** Where the recording and this server differ on purpose: the difference of the dialect’s README, and what it makes of the result. */
const deviations: Readonly<Record<string, { readonly rule: string; readonly result: object }>> = {
  w25: { rule: 'D4: the room is deleted from DynamoDB too', result: { ddbRoom: 'deleted' } },
};

/** A frame that the server made: its text counts to the byte. */
export function told(text: string): { readonly raw: string; readonly json: unknown } {
  return { raw: text, json: JSON.parse(text) as unknown };
}

/**
 * A frame that was handed on. The Python server writes it anew (spaces after separators, escapes); ours hands on the
 * very bytes, so these are compared with what was sent, and with the recording what they mean.
 */
export function forwarded(text: string, sent: string): { readonly json: unknown } {
  expect(text).toBe(sent);
  return { json: JSON.parse(text) as unknown };
}

const signals: ReadonlySet<unknown> = new Set(['offer', 'answer', 'candidate']);

/** The recorded value without the text of frames that were handed on. */
function withoutForwardedText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutForwardedText);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, withoutForwardedText(field)]),
  );
  const { json } = fields;
  if (typeof json === 'object' && json !== null && 'type' in json && signals.has(json.type))
    delete fields['raw'];
  return fields;
}

/** Puts the recording's masks over the names of this run. */
function masked(result: unknown, id: string, { users = [], room }: Names): unknown {
  // Two cases are masked with their own id in place of a number.
  const roomName = id.startsWith('h20-') ? id : 'r1';
  const masks: [string, string][] = users.flatMap(({ idToken, username }, index): [string, string][] => [
    [idToken, `<IDTOKEN:u${String(index + 1)}>`],
    [username, `<USER:u${String(index + 1)}>`],
  ]);
  if (room !== undefined)
    masks.push([room.roomId, `<ROOM:${roomName}>`], [room.token, `<RTOKEN:${roomName}>`]);
  let text = JSON.stringify(result);
  for (const [name, mask] of masks) text = text.replaceAll(name, mask);
  return JSON.parse(text) as unknown;
}

/** Fails unless the result is the recorded one, but for the differences above. */
export function expectRecorded(id: string, result: unknown, names: Names = {}): void {
  const recorded = cases.find((one) => one.id === id);
  expect(masked(result, id, names)).toEqual(
    withoutForwardedText({ ...recorded?.result, ...deviations[id]?.result }),
  );
}
