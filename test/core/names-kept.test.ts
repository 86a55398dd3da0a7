/** The core with a clock in the test's hand: no socket, no JSON. */
import { expect, test } from '@jest/globals';
import { MemoryRoomStore } from '../../src/adapters/memory/memory-room-store.js';
import { LocalIdentityProvider } from '../../src/adapters/local-identity/local-identity-provider.js';
import { Rs256Verifier } from '../../src/adapters/jwt/rs256-verifier.js';
import { PinoLogger } from '../../src/adapters/system/pino-logger.js';
import { SystemIds } from '../../src/adapters/system/system-ids.js';
import type { Session } from '../../src/core/session.js';
import { SignalingNode } from '../../src/core/signaling-node.js';
import type { EventSink } from '../../src/ports/event-sink.js';
import { createTally } from '../../src/ports/runtime.js';
import { asPeerId, type RoomId } from '../../src/protocol/ids.js';
import type { CloseReason } from '../../src/protocol/close.js';
import type { Event } from '../../src/protocol/messages.js';
import { FakeClock } from '../support/fake-clock.js';

class RecordingSink implements EventSink {
  readonly events: Event[] = [];
  reason: CloseReason | undefined;
  answers = true;

  send(event: Event): void {
    this.events.push(event);
  }

  close(reason: CloseReason): void {
    this.reason ??= reason;
  }

  probe(): Promise<boolean> {
    return Promise.resolve(this.answers);
  }
}

const clock = new FakeClock();
const identities = await LocalIdentityProvider.create({ clock });
const { issuer, audience, publicJwk } = identities;

function makeNode(): SignalingNode {
  return new SignalingNode(
    {
      clock,
      ids: new SystemIds(),
      logger: new PinoLogger({ level: 'silent' }),
      tally: createTally(),
      verifier: new Rs256Verifier({ issuer, audience, tokenUse: 'id', keys: { jwk: { ...publicJwk } } }),
      identities,
      store: new MemoryRoomStore(clock),
    },
    { limits: { maxMessageBytes: 1, maxOutboxBytes: 1, maxPeersPerRoom: 2 }, roomTtlMs: 60_000 },
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
): Promise<Seated> {
  const sink = new RecordingSink();
  const session = node.open(sink);
  await node.receive(
    session,
    {
      type: 'join',
      roomId: room.roomId,
      roomToken: room.token,
      idToken,
      peerId: asPeerId(name),
      role: 'peer',
      metadata: {},
      quiet,
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
  expect(node.stats().sessions).toBe(1);
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
  const session = node.open(sink);
  const joining = node.receive(
    session,
    {
      type: 'join',
      roomId: room.roomId,
      roomToken: room.token,
      idToken,
      peerId: asPeerId('late'),
      role: 'peer',
      metadata: {},
      quiet: false,
    },
    { verb: 'join_room', answered: true },
  );
  node.disconnected(session);
  await joining;
  expect(node.stats()).toMatchObject({ rooms: 0, sessions: 0, connections: 0 });
});
