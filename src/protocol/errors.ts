/**
 * The one table of refusals: every error a client can be told, with its default text, whether trying the same
 * again later can help, and the HTTP status where it is told over HTTP.
 */
interface ErrorEntry {
  readonly text: string;
  readonly retryable: boolean;
  readonly httpStatus: number;
}

const table = {
  INVALID_JSON: { text: 'The frame is not JSON.', retryable: false, httpStatus: 400 },
  INVALID_MESSAGE: { text: 'The message is malformed.', retryable: false, httpStatus: 400 },
  UNKNOWN_MESSAGE_TYPE: { text: 'The message type is not known here.', retryable: false, httpStatus: 400 },
  MESSAGE_TOO_BIG: { text: 'The message is too big.', retryable: false, httpStatus: 413 },
  MISSING_FIELDS: { text: 'A required field is missing.', retryable: false, httpStatus: 422 },
  INVALID_TOKEN: { text: 'The identity token is not valid.', retryable: false, httpStatus: 401 },
  FORBIDDEN: { text: 'This identity may not do that.', retryable: false, httpStatus: 403 },
  IDENTITY_UNAVAILABLE: { text: 'The identity service did not answer.', retryable: true, httpStatus: 503 },
  ROOM_NOT_FOUND: { text: 'Room not found', retryable: false, httpStatus: 404 },
  INVALID_ROOM_TOKEN: { text: 'The room token is not valid.', retryable: false, httpStatus: 403 },
  ROOM_EXPIRED: { text: 'Room expired', retryable: false, httpStatus: 410 },
  ROOM_FULL: { text: 'The room is full.', retryable: true, httpStatus: 409 },
  STORE_UNAVAILABLE: { text: 'The room store did not answer.', retryable: true, httpStatus: 503 },
  PEER_ID_TAKEN: { text: 'Another user holds this peer_id.', retryable: true, httpStatus: 409 },
  SESSION_SUPERSEDED: {
    text: 'Another socket goes on with this session, with a newer resume_token.',
    retryable: false,
    httpStatus: 409,
  },
  NOT_IN_ROOM: { text: 'Join a room first.', retryable: false, httpStatus: 409 },
  SENDER_MISMATCH: { text: 'The sender is not the peer of this socket.', retryable: false, httpStatus: 403 },
  PEER_NOT_FOUND: { text: 'No such peer in this room.', retryable: true, httpStatus: 404 },
  PEER_UNREACHABLE: { text: 'The node of this peer does not answer.', retryable: true, httpStatus: 503 },
  NOT_HOST: { text: 'Only the host of the room may do that.', retryable: false, httpStatus: 403 },
  KICKED: { text: 'The host has removed this peer from the room.', retryable: false, httpStatus: 403 },
  MEDIA_UNAVAILABLE: { text: 'Media Server Unavailable', retryable: true, httpStatus: 503 },
  MEDIA_NOT_FOUND: {
    text: 'No such transport, producer or consumer of yours in this room.',
    retryable: false,
    httpStatus: 404,
  },
  MEDIA_RESTARTED: {
    text: 'The media of this room begins anew: ask for sfu_get_router_capabilities and negotiate afresh.',
    retryable: false,
    httpStatus: 409,
  },
  MEDIA_FULL: { text: 'The Media Service takes no more of these.', retryable: true, httpStatus: 503 },
  WRONG_MODE: {
    text: 'This room is in P2P mode: its host can change that with set_room_mode.',
    retryable: false,
    httpStatus: 409,
  },
  RATE_LIMITED: { text: 'Too much at once: slow down.', retryable: true, httpStatus: 429 },
  INTERNAL: { text: 'The server failed to handle this message.', retryable: true, httpStatus: 500 },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof table;

/** All codes, for documents and for tests that must cover each. */
export const errorTable: Readonly<Record<ErrorCode, ErrorEntry>> = table;

/** Field name -> what is wrong with it, a sentence each. */
export type FieldFaults = Readonly<Record<string, readonly string[]>>;

interface RefusalOptions extends ErrorOptions {
  readonly retryAfterMs?: number;
  readonly fields?: FieldFaults;
}

/**
 * A reply that says no. `message` is for the client and names the field and the remedy; it never carries what a
 * vendor's exception said (D13). Put that into `cause`, for the log.
 */
export class SignalingError extends Error {
  readonly code: ErrorCode;
  /** Before that the same will be refused again. */
  readonly retryAfterMs: number | undefined;
  /** What is wrong with which field, for dialects that tell it apart. */
  readonly fields: FieldFaults | undefined;

  constructor(code: ErrorCode, message: string = table[code].text, options: RefusalOptions = {}) {
    super(message, options);
    this.name = 'SignalingError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.fields = options.fields;
  }

  get retryable(): boolean {
    return table[this.code].retryable;
  }

  get httpStatus(): number {
    return table[this.code].httpStatus;
  }
}
