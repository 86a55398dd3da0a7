/** A server process is killed while all talk. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { contents, hear, say, wholeHistory } from '../support/chat.js';
import { ProcessPair, Scene, upTo } from '../support/topology.js';
import type { Frame } from '../support/test-peer.js';

let pair: ProcessPair;
beforeEach(async () => {
  // Nothing of what is said has reached the archive when the process is killed.
  pair = await ProcessPair.start({ CHAT_FLUSH_MS: '2000' });
});
afterEach(() => pair.stop());

test('[Q3] [Q6] [Q10] what was answered is in the history once, whoever is killed; who was there goes on elsewhere', async () => {
  const scene = await Scene.open(pair.left);
  const [anna, bert] = await scene.pair(pair);
  const own = upTo(60).map((n) => `bert ${n}`);
  for (const content of own.slice(0, 40)) say(bert, content);
  for (const n of upTo(40)) say(anna, `anna ${n}`);
  const told = await hear(bert, 30);
  await pair.rightProcess.kill();
  // What has come is had, and what was not answered is said again, under the same id.
  const resume = { ...bert.claim, chat_seq: told.at(-1)?.['seq'] };
  expect(await bert.join(pair.left, { resume })).toMatchObject({ resumed: true });
  const isAnswered = (content: string): boolean => contents(told).includes(content);
  for (const content of own.filter((one) => !isAnswered(one))) say(bert, content);
  const heardByAnna = await hear(anna, 100);
  const rest: Frame[] = [];
  while (new Set(contents([...told, ...rest])).size < 100) rest.push(...(await hear(bert, 1)));
  const history = await wholeHistory(anna, 200);
  expect(contents(history)).toEqual(contents(heardByAnna));
  expect(contents(history).sort()).toEqual([...own, ...upTo(40).map((n) => `anna ${n}`)].sort());
  // Told again is only what he said again himself.
  const all = [...told, ...rest].filter(({ reply_to: reply }) => reply === undefined);
  expect(new Set(contents(all)).size).toBe(all.length);
});
