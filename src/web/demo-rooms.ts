/** Which room the page goes to, and as whom: the one in its address, the last one of this browser, or a new one. */

export interface RoomKey {
  readonly roomId: string;
  readonly token: string;
}

const lastRoomKey = 'demo.room';
const followersKey = 'demo.followed-by';

/** The server answered with a refusal, in words for people. */
export class DemoRefused extends Error {
  override readonly name = 'DemoRefused';
}

/** Signs a throw-away user in. Rejects with `DemoRefused`, or when the server does not answer. */
export async function signIn(): Promise<string> {
  const { id_token: idToken } = await post('anonymous-signin', {});
  if (typeof idToken === 'string') return idToken;
  throw new DemoRefused('The server signs nobody in.');
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
  localStorage.setItem(lastRoomKey, JSON.stringify(room));
}

/** The room to go to. `isNew`: nobody knows it yet. */
export async function findRoom(
  idToken: string,
): Promise<{ readonly room: RoomKey; readonly isNew: boolean }> {
  const known = roomInAddress() ?? readRoom(localStorage.getItem(lastRoomKey));
  if (known !== undefined) return { room: known, isNew: false };
  return { room: await createRoom(idToken), isNew: true };
}

export async function createRoom(idToken: string): Promise<RoomKey> {
  const made = await post('create-room', { authorization: `Bearer ${idToken}` });
  return { roomId: String(made['room_id']), token: String(made['token']) };
}

/**
 * The room that takes the place of one that is gone. All pages of this browser that were in it get the same: the first to
 * ask makes it.
 */
export function followerOf(gone: RoomKey, idToken: string): Promise<RoomKey> {
  return oneAtATime(async () => {
    const known = (JSON.parse(localStorage.getItem(followersKey) ?? 'null') ?? {}) as Record<string, RoomKey>;
    const follower = known[gone.roomId] ?? (await createRoom(idToken));
    localStorage.setItem(followersKey, JSON.stringify({ [gone.roomId]: follower }));
    return follower;
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
  const response = await fetch(path, { method: 'POST', headers, credentials: 'omit' });
  const body = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.ok) return body;
  throw new DemoRefused(
    typeof body['detail'] === 'string' ? body['detail'] : `The server said ${response.status}.`,
  );
}
