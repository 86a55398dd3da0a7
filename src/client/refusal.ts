import { ClientError } from './client-error.js';

const askAgain = 'ask the worker for a new session string';

const remedies: Readonly<Record<string, string>> = {
  ROOM_NOT_FOUND: `the room is gone: ${askAgain}`,
  INVALID_ROOM_TOKEN: `the session string is not of this room: ${askAgain}`,
  ROOM_EXPIRED: `its time is over: ${askAgain}`,
  INVALID_TOKEN: '--http and --ws must be addresses of the same server',
  ROOM_FULL: 'try again when somebody has left',
  STORE_UNAVAILABLE: 'the server cannot reach its room store: try again later',
  IDENTITY_UNAVAILABLE: 'the server cannot reach its identity service: try again later',
};

/** The Python server sends texts without codes; these are all it has for a registration. */
const codesOfTexts: ReadonlyMap<string, string> = new Map([
  ['Room not found', 'ROOM_NOT_FOUND'],
  ['Invalid token', 'INVALID_ROOM_TOKEN'],
  ['Room expired', 'ROOM_EXPIRED'],
  ['DynamoDB error', 'STORE_UNAVAILABLE'],
]);

/** The server said no. `code` is one of the server's error codes, where it is known. */
export class Refusal extends ClientError {
  readonly code: string | undefined;

  private constructor(reason: string, code: string | undefined) {
    super('room', `the server refused: ${reason}`, code === undefined ? undefined : remedies[code]);
    this.name = 'Refusal';
    this.code = code;
  }

  /**
   * Reads an error frame: `{type: "error", reason, code?}`, or `{error}` without a type, which is how the refusal of
   * an identity token looks. `undefined` when the frame is none.
   */
  static of(frame: Readonly<Record<string, unknown>>): Refusal | undefined {
    if (frame['type'] === undefined && typeof frame['error'] === 'string') {
      return new Refusal(frame['error'], 'INVALID_TOKEN');
    }
    if (frame['type'] !== 'error') return undefined;
    const reason =
      [frame['reason'], frame['message']].find((text) => typeof text === 'string') ?? 'no reason given';
    const code = typeof frame['code'] === 'string' ? frame['code'] : codesOfTexts.get(reason);
    return new Refusal(reason.slice(0, 300), code);
  }
}
