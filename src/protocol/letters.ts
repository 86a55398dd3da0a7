/** What the heads of letters say. */
import { z } from 'zod';
import type { Letter } from './envelope.js';
import { asPeerId, asRoomId, asSessionId, type PeerId, type RoomId, type SessionId } from './ids.js';
import {
  signalKinds,
  type CommandOf,
  type Receipt,
  type Relayed,
  type SignalEvent,
  type SignalKind,
} from './messages.js';
import type { Json, JsonObject } from './records.js';
import { WireFrame } from './wire-frame.js';

const kinds: readonly string[] = signalKinds;

/** A signal or message of a peer of another node. */
export interface Relay {
  readonly roomId: RoomId;
  readonly event: Relayed;
  readonly receipt: Receipt | undefined;
  /** It is for this peer alone: all others have what was for everybody, or nobody has the name that it was sent to. */
  readonly only: PeerId | undefined;
}

/**
 * Writes what goes from peer to peer. `session` and `id` are there when it is a message that is known by them. It is
 * an array, because this is on the relay path.
 */
export function writeRelay(
  roomId: RoomId,
  event: Relayed,
  frame: WireFrame,
  sender: { readonly session: SessionId; readonly id: string } | undefined,
  only?: PeerId,
): Letter {
  const kind = event.type === 'signal' ? event.kind : '';
  const head = [
    roomId,
    event.to ?? 0,
    event.from,
    kind,
    frame.dialect,
    sender?.session ?? 0,
    sender?.id ?? 0,
    only ?? 0,
  ];
  return { kind: event.type, head: JSON.stringify(head), body: frame.bytes };
}

/** Throws when the head is not what `writeRelay` writes. */
export function readRelay({ kind: type, head, body }: Letter): Relay {
  const fields: unknown = JSON.parse(head);
  if (!Array.isArray(fields)) throw new TypeError('the head of a relay is no array');
  const [room, to, from, kind, dialect, session, id, one] = fields as readonly unknown[];
  if (typeof room !== 'string' || typeof from !== 'string' || typeof dialect !== 'string') throw malformed();
  const roomId = asRoomId(room);
  const peers = { from: asPeerId(from), to: typeof to === 'string' ? asPeerId(to) : undefined };
  const frame = new WireFrame(dialect, body, true);
  const receipt =
    typeof session === 'string' && typeof id === 'string'
      ? { roomId, from: peers.from, session: asSessionId(session), id, isAwaited: peers.to !== undefined }
      : undefined;
  const only = typeof one === 'string' ? asPeerId(one) : undefined;
  if (type === 'message') {
    if (peers.to === undefined) throw malformed();
    return { roomId, event: new RemoteMessage(peers.from, peers.to, frame), receipt, only };
  }
  if (typeof kind !== 'string' || !kinds.includes(kind)) throw malformed();
  return { roomId, event: new RemoteSignal(kind as SignalKind, peers.from, peers.to, frame), receipt, only };
}

function malformed(): TypeError {
  return new TypeError('the head of a relay lacks a field');
}

/** A signal as it came from another node: receivers of its dialect get its bytes, and nobody parses it for them. */
export class RemoteSignal implements SignalEvent {
  readonly type = 'signal';

  constructor(
    readonly kind: SignalKind,
    readonly from: PeerId,
    readonly to: PeerId | undefined,
    readonly frame: WireFrame,
  ) {}

  get body(): JsonObject {
    return JSON.parse(this.frame.bytes.toString()) as JsonObject;
  }
}

export class RemoteMessage implements Readonly<CommandOf<'message'>> {
  readonly type = 'message';

  constructor(
    readonly from: PeerId,
    readonly to: PeerId,
    readonly frame: WireFrame,
  ) {}

  get payload(): Json {
    return (JSON.parse(this.frame.bytes.toString()) as { readonly payload: Json }).payload;
  }
}

const delivered = z.strictObject({
  roomId: z.string().transform(asRoomId),
  /** Whose messages. */
  to: z.string().transform(asPeerId),
  session: z.string().transform(asSessionId),
  ids: z.array(z.string()),
});
export type Delivered = z.output<typeof delivered>;

export function writeDelivered(said: Delivered): Letter {
  return { kind: 'delivered', head: JSON.stringify(said), body: none };
}

export const readDelivered = (letter: Letter): Delivered => delivered.parse(JSON.parse(letter.head));

const returned = z.strictObject({ seq: z.number() });

/** The receiver is not here just now: the letter with that number must go elsewhere, or wait. */
export function writeReturned(seq: number): Letter {
  return { kind: 'returned', head: JSON.stringify({ seq }), body: none };
}

export const readReturned = (letter: Letter): number => returned.parse(JSON.parse(letter.head)).seq;

const refused = z.strictObject({ seq: z.number() });

/** The receiver cannot take it: too much waits for it already. */
export function writeRefused(seq: number): Letter {
  return { kind: 'refused', head: JSON.stringify({ seq }), body: none };
}

export const readRefused = (letter: Letter): number => refused.parse(JSON.parse(letter.head)).seq;

const ofRoom = z.strictObject({ roomId: z.string().transform(asRoomId) });

/** The producers of that room have changed: whoever keeps a copy looks again. */
export function writeMediaHint(roomId: RoomId): Letter {
  return { kind: 'media', head: JSON.stringify({ roomId }), body: none };
}

export const readMediaHint = (letter: Letter): RoomId => ofRoom.parse(JSON.parse(letter.head)).roomId;

const none = Buffer.alloc(0);
