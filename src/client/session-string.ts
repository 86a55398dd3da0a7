import { ClientError } from './client-error.js';

/** What a client needs to find its worker: the room, the room's password, and the worker's name in it. */
export interface RoomSession {
  readonly roomId: string;
  readonly token: string;
  readonly peerId: string;
}

const ownPrefix = 'signal-session:';
/** What the Python workers of S3 print; the rest of the string is the same. */
const acceptedPrefixes = [ownPrefix, 'sleap-session:'];

/** `signal-session:` and base64url of `{"r": room id, "t": room token, "p": peer id}`, without padding. */
export function formatSession(session: RoomSession): string {
  const json = JSON.stringify({ r: session.roomId, t: session.token, p: session.peerId });
  return ownPrefix + Buffer.from(json).toString('base64url');
}

/**
 * Reads a session string of either prefix, padded or not, in either alphabet of base64.
 * @throws ClientError `usage` when it is none
 */
export function parseSession(text: string): RoomSession {
  const trimmed = text.trim();
  const prefix = acceptedPrefixes.find((known) => trimmed.startsWith(known));
  const body = prefix === undefined ? '' : trimmed.slice(prefix.length);
  // Buffer.from skips what is no base64; a truncated or mistyped string must be told, not half understood.
  if (!/^[\w+/-]+={0,2}$/.test(body)) throw badSession();
  const fields = readJson(Buffer.from(body, 'base64').toString('utf8'));
  if (typeof fields !== 'object' || fields === null) throw badSession();
  const { r, t, p } = fields as { r?: unknown; t?: unknown; p?: unknown };
  if (!isName(r) || !isName(t) || !isName(p)) throw badSession();
  return { roomId: r, token: t, peerId: p };
}

const isName = (value: unknown): value is string => typeof value === 'string' && value !== '';

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw badSession(error);
  }
}

function badSession(cause?: unknown): ClientError {
  return new ClientError(
    'usage',
    'this is no session string',
    `copy the whole line that the worker printed, beginning with "${ownPrefix}"`,
    { cause },
  );
}
