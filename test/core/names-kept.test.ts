/** The core with a clock in the test's hand: no socket, no JSON. */
import { expect, test } from '@jest/globals';
import { MemoryCluster } from '../../src/adapters/memory/memory-cluster.js';
import { MemoryRoomStore } from '../../src/adapters/memory/memory-room-store.js';
import type { Session } from '../../src/core/session.js';
import { SignalingNode } from '../../src/core/signaling-node.js';
import type { EventSink } from '../../src/ports/event-sink.js';
import { createTally } from '../../src/ports/runtime.js';
import { asNodeId, asPeerId, type RoomId } from '../../src/protocol/ids.js';
import type { CloseReason } from '../../src/protocol/close.js';
import type { Event } from '../../src/protocol/messages.js';
import { FakeClock } from '../support/fake-clock.js';
import { memoryPorts, unlimitedCore } from '../support/memory-core.js';
import { Secret } from '../../src/protocol/secret.js';

class RecordingSink implements EventSink {
  readonly dialect = 'none';
  readonly wantsRoomState = false;
  readonly hearsItself = true;
  readonly events: Event[] = [];
  reason: CloseReason | undefined;
  answers = true;

  /** The event's place in the list stands for the frame. */
  encode(event: Event): Buffer {
    return Buffer.from([this.events.push(event) - 1]);
  }

  write(): boolean {
    return true;
  }

  send(event: Event): boolean {
    this.encode(event);
    return true;
  }

  close(reason: CloseReason): void {
    this.reason ??= reason;
  }

  probe(): Promise<boolean> {
    return Promise.resolve(this.answers);
  }
}

const clock = new FakeClock();
const ports = await memoryPorts(clock);
/** Two seats. */
const limits = { ...unlimitedCore.limits, maxPeersPerRoom: 2 };
const arrived = { credential: undefined, address: '192.0.2.1' };

function makeNode(store = new MemoryRoomStore(clock), graceMs = 0): SignalingNode {
  const cluster = new MemoryCluster(clock);
  const nodeId = asNodeId('alone');
  return new SignalingNode(
    { ...ports, store, tally: createTally(), presence: cluster.presence(nodeId), bus: cluster.bus(nodeId) },
    { ...unlimitedCore, limits, roomTtlMs: 60_000, graceMs },
  );
}

interface Seated {
  readonly sink: RecordingSink;
  readonly session: Session;
}

async function seat(
  node: SignalingNode,
  room: { readonly roomId: RoomId; readonly token: string },
  name: string,
  idToken: string,
  quiet = true,
  onSession?: Session,
): Promise<Seated> {
  const sink = new RecordingSink();
  const session = onSession ?? node.open(sink, arrived);
  await node.receive(
    session,
    {
      type: 'join',
      roomId: room.roomId,
      roomToken: new Secret(room.token),
      idToken: new Secret(idToken),
      peerId: asPeerId(name),
      role: 'peer',
      metadata: {},
      quiet,
      isCounted: !quiet,
    },
    { verb: 'register', answered: true },
  );
  return { sink, session };
}

test('[P6] a name is kept past its socket, and forgotten when the room has expired with nobody in it', async () => {
  const node = makeNode();
  const { idToken } = await node.signIn();
  const room = await node.createRoom(idToken);
  const { session } = await seat(node, room, 'worker', idToken);
  node.disconnected(session);
  clock.advance(59_000);
  expect(node.stats()).toMatchObject({ rooms: 1, sessions: 0, connections: 0 });
  clock.advance(62_000);
  expect(node.stats().rooms).toBe(0);
  expect(await node.deletePeersAndRoom({ peerId: asPeerId('worker') })).toBe('peer not found');
});

test('[P6] a room with somebody in it outlives its expiry, and so do the names in it', async () => {
  const node = makeNode();
  const { idToken } = await node.signIn();
  const room = await node.createRoom(idToken);
  const gone = await seat(node, room, 'gone', idToken);
  await seat(node, room, 'here', idToken);
  node.disconnected(gone.session);
  clock.advance(180_000);
  expect(node.stats()).toMatchObject({ rooms: 1, sessions: 1 });
  expect(await node.deletePeersAndRoom({ peerId: asPeerId('gone') })).toBe('deleted');
});

test('[P6] kept names are bounded: the oldest is forgotten first', async () => {
  const node = makeNode();
  const { idToken } = await node.signIn();
  const room = await node.createRoom(idToken);
  for (const name of ['a', 'b', 'c', 'd']) {
    node.disconnected((await seat(node, room, name, idToken)).session);
  }
  await seat(node, room, 'e', idToken);
  expect(await node.deletePeer(asPeerId('a'))).toEqual({ found: false, roomDeleted: false });
  expect(await node.deletePeer(asPeerId('d'))).toEqual({ found: true, roomDeleted: false });
});

test('[D8] a holder that does not answer loses its name to another user, and is closed', async () => {
  const node = makeNode();
  const [first, second] = [await node.signIn(), await node.signIn()];
  const room = await node.createRoom(first.idToken);
  const holder = await seat(node, room, 'worker', first.idToken);
  holder.sink.answers = false;
  const newcomer = await seat(node, room, 'worker', second.idToken);
  expect(newcomer.sink.events.map(({ type }) => type)).toEqual(['joined']);
  expect(holder.sink.reason).toBe('replaced');
  // The late close of the old socket takes nothing from the new one.
  node.disconnected(holder.session);
  expect(node.stats()).toMatchObject({ sessions: 1, rooms: 1 });
});

/** A store that answers when the test lets it. */
class GatedStore extends MemoryRoomStore {
  gate: Promise<void> = Promise.resolve();

  override async find(roomId: RoomId): ReturnType<MemoryRoomStore['find']> {
    const record = await super.find(roomId);
    await this.gate;
    return record;
  }
}

function gate(store: GatedStore): () => void {
  let open = (): void => undefined;
  store.gate = new Promise((resolve) => {
    open = resolve;
  });
  return open;
}

test('[P2] a registered session whose socket goes while it registers again leaves nobody in the room', async () => {
  const store = new GatedStore(clock);
  const node = makeNode(store);
  const { idToken } = await node.signIn();
  const room = await node.createRoom(idToken);
  const { session } = await seat(node, room, 'worker', idToken);
  const open = gate(store);
  const again = seat(node, room, 'worker', idToken, true, session);
  node.disconnected(session);
  open();
  await again;
  const watcher = await seat(node, room, 'watcher', idToken, false);
  expect(watcher.sink.events[0]).toMatchObject({ type: 'joined', peers: [] });
  expect(node.stats().sessions).toBe(1);
});

test('[D4] a join that read the room before it was deleted does not revive it', async () => {
  const store = new GatedStore(clock);
  const node = makeNode(store);
  const { idToken } = await node.signIn();
  const room = await node.createRoom(idToken);
  await seat(node, room, 'worker', idToken);
  const open = gate(store);
  const late = seat(node, room, 'late', idToken);
  expect(await node.deletePeersAndRoom({ peerId: asPeerId('worker') })).toBe('deleted');
  open();
  expect((await late).sink.events).toMatchObject([{ type: 'refused', error: { code: 'ROOM_NOT_FOUND' } }]);
  expect(node.stats().rooms).toBe(0);
});

test('[F8] two who join a room with one free seat at the same time: one gets it', async () => {
  const node = makeNode();
  const { idToken } = await node.signIn();
  const room = await node.createRoom(idToken);
  await seat(node, room, 'a', idToken);
  const both = await Promise.all([seat(node, room, 'b', idToken), seat(node, room, 'c', idToken)]);
  expect(both.map(({ sink }) => sink.events[0]?.type).sort()).toEqual(['joined', 'refused']);
});

test('[P2] a session whose socket went while it joined takes no seat', async () => {
  const node = makeNode();
  const { idToken } = await node.signIn();
  const room = await node.createRoom(idToken);
  const sink = new RecordingSink();
  const session = node.open(sink, arrived);
  const joining = node.receive(
    session,
    {
      type: 'join',
      roomId: room.roomId,
      roomToken: new Secret(room.token),
      idToken: new Secret(idToken),
      peerId: asPeerId('late'),
      role: 'peer',
      metadata: {},
      quiet: false,
      isCounted: true,
    },
    { verb: 'join_room', answered: true },
  );
  node.disconnected(session);
  await joining;
  expect(node.stats()).toMatchObject({ rooms: 0, sessions: 0, connections: 0 });
});

test('[S7] [F8] a parity peer without a socket keeps nobody out of the room', async () => {
  const node = makeNode(new MemoryRoomStore(clock), 5_000);
  const { idToken } = await node.signIn();
  const room = await node.createRoom(idToken);
  const gone = await seat(node, room, 'gone', idToken);
  await seat(node, room, 'a', idToken);
  node.disconnected(gone.session);
  const next = await seat(node, room, 'b', idToken);
  expect(next.sink.events).toMatchObject([{ type: 'joined' }]);
  clock.advance(5_000);
  const late = await seat(node, room, 'c', idToken);
  expect(late.sink.events).toMatchObject([{ type: 'refused', error: { code: 'ROOM_FULL' } }]);
});

test('[S7] a full session without one does, for its window', async () => {
  const node = makeNode(new MemoryRoomStore(clock), 5_000);
  const { idToken } = await node.signIn();
  const room = await node.createRoom(idToken);
  const gone = await seat(node, room, 'gone', idToken, false);
  await seat(node, room, 'a', idToken);
  node.disconnected(gone.session);
  const early = await seat(node, room, 'b', idToken);
  expect(early.sink.events).toMatchObject([{ type: 'refused', error: { code: 'ROOM_FULL' } }]);
  clock.advance(5_000);
  expect((await seat(node, room, 'b', idToken)).sink.events).toMatchObject([{ type: 'joined' }]);
});
