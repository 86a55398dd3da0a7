/** Which room the page goes to, and as whom: the one in its address, the last one of this browser, or a new one. */
import { ofBrowser } from './browser-store.js';

export interface RoomKey {
  readonly roomId: string;
  readonly token: string;
}

/** `isNew`: nobody knows it yet. */
export interface FoundRoom {
  readonly room: RoomKey;
  readonly isNew: boolean;
}

const lastRoomKey = 'demo.room';
const followersKey = 'demo.followed-by';
/** A server that says nothing for so long does not answer. */
const patienceMs = 10_000;

/** The server, or what stands before it, answered with a refusal, in words for people. */
export class DemoRefused extends Error {
  override readonly name = 'DemoRefused';
  /** The same may be asked again, after `retryAfterMs` at the earliest. */
  readonly retryable: boolean;
  readonly retryAfterMs: number;

  constructor(text: string, status: number, retryAfterMs = 0) {
    super(text);
    this.retryable = status === 429 || status >= 500;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Signs a throw-away user in. Rejects with `DemoRefused`, or when the server does not answer. */
export async function signIn(): Promise<string> {
  const { id_token: idToken } = await post('anonymous-signin', {});
  if (typeof idToken === 'string') return idToken;
  throw new DemoRefused('it signs nobody in.', 200);
}

/** What the address says after its `#`, which browsers send to nobody. */
export function roomInAddress(): RoomKey | undefined {
  const said = new URLSearchParams(window.location.hash.slice(1));
  const [roomId, token] = [said.get('room'), said.get('token')];
  return roomId === null || token === null ? undefined : { roomId, token };
}

export function linkTo({ roomId, token }: RoomKey): string {
  const link = new URL(window.location.href);
  link.hash = new URLSearchParams({ room: roomId, token }).toString();
  return link.href;
}

/** From now on this is the room of this page, and of the next that is opened here. */
export function settleIn(room: RoomKey): void {
  window.history.replaceState(undefined, '', linkTo(room));
  ofBrowser.set(lastRoomKey, JSON.stringify(room));
}

/** The room to go to. */
export async function findRoom(idToken: string): Promise<FoundRoom> {
  const known = roomInAddress() ?? readRoom(ofBrowser.get(lastRoomKey));
  if (known !== undefined) return { room: known, isNew: false };
  return { room: await createRoom(idToken), isNew: true };
}

async function createRoom(idToken: string): Promise<RoomKey> {
  const made = await post('create-room', { authorization: `Bearer ${idToken}` });
  return { roomId: String(made['room_id']), token: String(made['token']) };
}

/**
 * The room that takes the place of one that is gone. All pages of this browser that were in it get the same: the first to
 * ask makes it.
 */
export function followerOf(gone: RoomKey, idToken: string): Promise<FoundRoom> {
  return oneAtATime(async () => {
    const known = (JSON.parse(ofBrowser.get(followersKey) ?? 'null') ?? {}) as Record<string, RoomKey>;
    const follower = known[gone.roomId];
    if (follower !== undefined) return { room: follower, isNew: false };
    const room = await createRoom(idToken);
    ofBrowser.set(followersKey, JSON.stringify({ [gone.roomId]: room }));
    return { room, isNew: true };
  });
}

/** Over all pages of this browser, where it can do that: not on plain http from elsewhere. */
function oneAtATime<Result>(run: () => Promise<Result>): Promise<Result> {
  if (!('locks' in navigator)) return run();
  return navigator.locks.request('demo room', run) as Promise<Result>;
}

function readRoom(text: string | null): RoomKey | undefined {
  const room = JSON.parse(text ?? 'null') as Partial<RoomKey> | null;
  return room?.roomId === undefined || room.token === undefined
    ? undefined
    : { roomId: room.roomId, token: room.token };
}

async function post(
  path: string,
  headers: Record<string, string>,
): Promise<Readonly<Record<string, unknown>>> {
  const signal = AbortSignal.timeout(patienceMs);
  const response = await fetch(path, { method: 'POST', headers, credentials: 'omit', signal });
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.ok) return body;
  const { detail, retry_after_ms: retryAfterMs } = body;
  throw new DemoRefused(
    typeof detail === 'string' ? detail : `it said ${response.status}.`,
    response.status,
    typeof retryAfterMs === 'number' ? retryAfterMs : 0,
  );
}
