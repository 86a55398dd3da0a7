/** Who guesses at the operator's token or the internal key, over the real server; time is in the test's hand. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TimedServer, turn } from '../support/timed-server.js';
import { askFor, type Answered } from './request.js';

const right = { admin: 'the long token of an operator', internal: 'the long key of our services' };
const perMinute = 20;

let timed: TimedServer;
beforeAll(async () => {
  timed = await TimedServer.start({
    ADMIN_TOKEN: right.admin,
    INTERNAL_SERVICE_KEY: right.internal,
    RATE_BAD_TOKENS_PER_IP: String(perMinute),
    TRUSTED_PROXIES: 'loopback',
  });
});
afterAll(() => timed.stop());

type Headers = Readonly<Record<string, string>>;
const ask = (path: string, address: string, headers: Headers = {}): Promise<Answered> =>
  askFor(timed.server.http + path, { headers: { 'x-forwarded-for': address, ...headers } });
const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });
const serviceKey = (key: string): Headers => ({ 'x-internal-service-key': key });

interface Door {
  readonly path: string;
  readonly refused: number;
  readonly answered: number;
  readonly withRight: Headers;
  readonly withWrong: (n: number) => Headers;
}
const doors: readonly Door[] = [
  ...['/metrics', '/dashboard/data'].map((path) => ({
    path,
    refused: 401,
    answered: 200,
    withRight: bearer(right.admin),
    withWrong: (n: number) => bearer(`guess ${String(n)}`),
  })),
  {
    path: '/internal/rooms/nowhere',
    refused: 403,
    answered: 404,
    withRight: serviceKey(right.internal),
    withWrong: (n) => serviceKey(`guess ${String(n)}`),
  },
];

/** One wrong key too many, held back: its answer, and whether it has come. */
async function heldBack(
  door: Door,
  address: string,
): Promise<{ answer: Promise<Answered>; isHere: boolean }> {
  const { tokens_delayed: before } = timed.server.tally;
  const held = { answer: ask(door.path, address, door.withWrong(0)), isHere: false };
  const here = (): void => {
    held.isHere = true;
  };
  held.answer.then(here, here);
  while (timed.server.tally.tokens_delayed === before) {
    expect(held.isHere).toBe(false);
    await turn();
  }
  return held;
}

test.each(doors)(
  '[L10] the 21st wrong key at $path is refused late, and the right one at once',
  async (door) => {
    const address = `198.51.100.${String(doors.indexOf(door))}`;
    for (let n = 0; n < perMinute; n += 1) {
      const { status, headers } = await ask(door.path, address, door.withWrong(n));
      expect([status, headers['retry-after']]).toEqual([door.refused, undefined]);
    }
    const held = await heldBack(door, address);
    // Nobody else waits: who has the key, behind the same address too, who shows none, and who guesses elsewhere.
    expect((await ask(door.path, address, door.withRight)).status).toBe(door.answered);
    expect((await ask(door.path, address)).status).toBe(door.refused);
    expect((await ask(door.path, '198.51.100.200', door.withWrong(0))).status).toBe(door.refused);
    timed.clock.advance(2_900);
    expect((await ask(door.path, address, door.withRight)).status).toBe(door.answered);
    expect(held.isHere).toBe(false);
    timed.clock.advance(200);
    const { status, headers } = await held.answer;
    expect([status, headers['retry-after']]).toEqual([door.refused, '3']);
  },
);

test('[L10] wrong keys at all doors count together, and what is right or not shown does not count', async () => {
  const address = '198.51.100.100';
  for (const door of doors) {
    for (let n = 0; n < perMinute; n += 1) {
      expect((await ask(door.path, address, door.withRight)).status).toBe(door.answered);
      expect((await ask(door.path, address)).status).toBe(door.refused);
    }
  }
  for (let n = 0; n < perMinute; n += 1) {
    const door = doors[n % doors.length];
    if (door !== undefined)
      expect((await ask(door.path, address, door.withWrong(n))).status).toBe(door.refused);
  }
  for (const door of doors) {
    const { answer } = await heldBack(door, address);
    expect((await timed.passUntil(answer)).status).toBe(door.refused);
    timed.clock.advance(60_000);
    for (let n = 0; n < perMinute; n += 1) await ask(door.path, address, door.withWrong(n));
  }
});

test('[L10] while 1,000 answers wait, further ones come at once: guesses cannot pile up', async () => {
  const address = '198.51.100.101';
  const [door] = doors;
  if (door === undefined) throw new Error('no door');
  for (let n = 0; n < perMinute; n += 1) await ask(door.path, address, door.withWrong(n));
  const { tokens_delayed: before } = timed.server.tally;
  const head = ['GET /metrics HTTP/1.1', 'host: 127.0.0.1', `x-forwarded-for: ${address}`];
  const request = `${[...head, 'authorization: Bearer x'].join('\r\n')}\r\n\r\n`;
  const { port } = new URL(timed.server.http);
  // 32 is what one connection may ask at once (V23).
  const counts = [...Array.from({ length: 31 }, () => 32), 8];
  const lines = counts.map((count) => {
    const socket = connect(Number(port), '127.0.0.1');
    const line = { socket, count, text: '' };
    socket.setEncoding('latin1').on('data', (text: string) => (line.text += text));
    socket.write(request.repeat(count));
    return line;
  });
  while (timed.server.tally.tokens_delayed - before < 1_000) {
    expect(lines.filter(({ text }) => text !== '')).toEqual([]);
    await turn();
  }
  const further = await ask(door.path, address, door.withWrong(0));
  expect([further.status, further.headers['retry-after']]).toEqual([door.refused, '3']);
  expect((await ask(door.path, address, door.withRight)).status).toBe(door.answered);
  timed.clock.advance(3_000);
  for (const line of lines) {
    while (line.text.split('HTTP/1.1 401 ').length <= line.count) await once(line.socket, 'data');
    line.socket.destroy();
  }
  expect(timed.server.tally.tokens_delayed - before).toBe(1_000);
  timed.clock.advance(60_000);
  for (let n = 0; n < perMinute; n += 1) await ask(door.path, address, door.withWrong(n));
  await timed.passUntil((await heldBack(door, address)).answer);
});
