import { describe, expect, test } from '@jest/globals';
import { MemoryChatArchive } from '../../src/adapters/memory/memory-chat-archive.js';
import { MemoryChatLog, MemoryChatMemory } from '../../src/adapters/memory/memory-chat-log.js';
import { chatArchiveContract } from '../contracts/chat-archive-contract.js';
import { chatLogContract } from '../contracts/chat-log-contract.js';
import { ChatProbe, draft, freshRoom, spoken } from '../support/chat-fixture.js';
import { FakeClock } from '../support/fake-clock.js';

const terms = { maxWaiting: 100 };
const END = Number.MAX_SAFE_INTEGER;
const HOUR_MS = 3_600_000;

chatLogContract('MemoryChatLog', () => {
  const memory = new MemoryChatMemory(new FakeClock());
  return Promise.resolve({
    node: () => Promise.resolve(new MemoryChatLog(memory)),
    lose: () => {
      memory.lose();
      return Promise.resolve();
    },
    runs: 200,
  });
});

chatArchiveContract('MemoryChatArchive', () => Promise.resolve({ archive: new MemoryChatArchive() }));

describe('MemoryChatLog', () => {
  test('[Q5] [Q2] a node that is cut off is refused and hears nothing; when it is back it is told so', async () => {
    const memory = new MemoryChatMemory(new FakeClock());
    const [log, two] = [new MemoryChatLog(memory), new MemoryChatLog(memory)];
    const one = new ChatProbe(log);
    const roomId = freshRoom();
    await log.watch(roomId);
    log.cut();
    await two.append(draft(roomId, 'missed'), terms);
    memory.lose();
    await two.append(draft(roomId, 'missed too'), terms);
    const unavailable = { code: 'STORE_UNAVAILABLE', retryable: true };
    for (const call of [
      () => log.append(draft(roomId, 'a'), terms),
      () => log.watch(roomId),
      () => log.waiting(roomId, 1),
      () => log.forget(roomId),
    ]) {
      await expect(call()).rejects.toMatchObject(unavailable);
    }
    expect(one).toMatchObject({ news: [], restored: 0 });
    log.mend();
    log.mend();
    await one.until(() => one.restored > 0);
    await two.append(draft(roomId, 'heard'), terms);
    await one.until(() => one.news.length > 0);
    expect(one.said().map(({ message }) => message.id)).toEqual(['heard']);
    expect(one.restored).toBe(1);
  });

  test('[Q6] a memory that was lost says so to all, and gives no place twice', async () => {
    const memory = new MemoryChatMemory(new FakeClock());
    const probes = [new ChatProbe(new MemoryChatLog(memory)), new ChatProbe(new MemoryChatLog(memory))];
    const [one] = probes as [ChatProbe];
    const roomId = freshRoom();
    const before = await one.log.append(draft(roomId, 'a'), terms);
    memory.lose();
    const after = await one.log.append(draft(roomId, 'b'), terms);
    expect(after.message.seq).toBeGreaterThan(before.message.seq);
    await Promise.all(probes.map((probe) => probe.until(() => probe.restored === 1)));
  });

  test('[Q3] [N8] what nobody uses is forgotten after an hour, but not what waits for the archive', async () => {
    const clock = new FakeClock();
    const log = new MemoryChatLog(new MemoryChatMemory(clock));
    const [idle, waits] = [freshRoom(), freshRoom()];
    const { message } = await log.append(draft(idle, 'a'), terms);
    await log.append(draft(waits, 'a'), terms);
    await log.archived(idle, [message.seq]);
    clock.advance(HOUR_MS - 1);
    await expect(log.append(draft(idle, 'a'), terms)).resolves.toMatchObject({ isRepeat: true });
    clock.advance(HOUR_MS + 60_001);
    await log.append(draft(freshRoom(), 'a'), terms);
    await expect(log.last(idle)).resolves.toBe(0);
    await expect(log.waiting(waits, 10)).resolves.toHaveLength(1);
    await expect(log.append(draft(idle, 'a'), terms)).resolves.toMatchObject({ isRepeat: false });
  });

  test('[Q3] in a room where much is said ids older than an hour are forgotten', async () => {
    const clock = new FakeClock();
    const log = new MemoryChatLog(new MemoryChatMemory(clock));
    const roomId = freshRoom();
    await log.append(draft(roomId, 'a'), terms);
    clock.advance(HOUR_MS / 2);
    await log.append(draft(roomId, 'b'), terms);
    clock.advance(HOUR_MS / 2 + 1);
    await log.append(draft(roomId, 'c'), terms);
    await expect(log.append(draft(roomId, 'a'), terms)).resolves.toMatchObject({ isRepeat: false });
    await expect(log.append(draft(roomId, 'b'), terms)).resolves.toMatchObject({ isRepeat: true });
  });
});

describe('MemoryChatArchive', () => {
  test('[Q7] is bounded: when it is full the room with the most loses its older half, and others nothing', async () => {
    const archive = new MemoryChatArchive(100_000);
    const [loud, quiet] = [spoken(freshRoom(), 120, { content: 'x'.repeat(1000) }), spoken(freshRoom(), 5)];
    await archive.store(quiet);
    await archive.store(loud.slice(0, 60));
    await archive.store(loud.slice(60));
    const kept = await archive.before(loud[0]?.roomId ?? freshRoom(), END, 201);
    expect(kept.length).toBeGreaterThan(20);
    expect(kept).toEqual(loud.slice(-kept.length));
    await expect(archive.before(quiet[0]?.roomId ?? freshRoom(), END, 201)).resolves.toEqual(quiet);
  });

  test('a message that is too big for it is not kept, and does not stop it', async () => {
    const archive = new MemoryChatArchive(1000);
    const [big] = spoken(freshRoom(), 1, { content: 'x'.repeat(2000) });
    if (big === undefined) throw new Error('nothing was said');
    await archive.store([big]);
    await expect(archive.before(big.roomId, END, 10)).resolves.toEqual([]);
  });
});
