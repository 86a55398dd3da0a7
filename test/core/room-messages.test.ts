import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SignalingNode } from '../../src/core/signaling-node.js';
import type { Ports } from '../../src/core/context.js';
import { asPeerId } from '../../src/protocol/ids.js';
import type { Identity, RoomRecord } from '../../src/protocol/records.js';
import { FakeClock } from '../support/fake-clock.js';
import { memoryPorts, unlimitedCore } from '../support/memory-core.js';

describe('what was said in a room, from outside', () => {
  const clock = new FakeClock();
  let ports: Ports;
  let node: SignalingNode;
  let record: RoomRecord;
  let creator: Identity;
  let stranger: Identity;

  async function somebody(): Promise<{ readonly idToken: string; readonly identity: Identity }> {
    const { idToken } = await node.signIn();
    return { idToken, identity: await node.rooms.identify(idToken) };
  }

  beforeAll(async () => {
    ports = await memoryPorts(clock);
    node = new SignalingNode(ports, unlimitedCore);
    await node.start();
    const maker = await somebody();
    creator = maker.identity;
    stranger = (await somebody()).identity;
    record = await node.createRoom(maker.idToken);
    const draft = { roomId: record.roomId, from: asPeerId('anna'), sub: 'anna', content: 'x' };
    for (const id of ['1', '2', '3']) await ports.chatLog.append({ ...draft, id }, { maxWaiting: 100 });
  });
  afterAll(() => node.drain(1_000));

  test('[Q9] its creator and who shows its token read it, page by page', async () => {
    for (const [caller, token] of [
      [creator, undefined],
      [stranger, record.token],
      [undefined, record.token],
    ] as const) {
      const { messages, next } = await node.rooms.messages(caller, record.roomId, token, { limit: 2 });
      expect(messages.map(({ id }) => id)).toEqual(['2', '3']);
      const part = { limit: 2, ...(next === undefined ? {} : { before: next }) };
      const page = await node.rooms.messages(caller, record.roomId, token, part);
      expect([page.messages.map(({ id }) => id), page.next]).toEqual([['1'], undefined]);
    }
  });

  test('[Q9] for anybody else there is no such room', async () => {
    const notFound = expect.objectContaining({ code: 'ROOM_NOT_FOUND' });
    for (const [caller, token] of [
      [stranger, undefined],
      [stranger, 'wrong'],
      [undefined, undefined],
    ] as const)
      await expect(node.rooms.messages(caller, record.roomId, token, {})).rejects.toEqual(notFound);
  });

  test('[Q9] an open one is everybody’s to read', async () => {
    const open = await node.rooms.createListed(creator, { isOpen: true });
    const page = await node.rooms.messages(undefined, open.record.roomId, undefined, {});
    expect(page).toEqual({ messages: [] });
  });
});
