/** The surroundings of the core: time, names, log, counters. */

/** Milliseconds throughout. Tests put a clock of their own here. */
export interface Clock {
  now(): number;
  /** Calls `run` once after `ms`; the returned function calls it off. Does not keep the process alive. */
  after(ms: number, run: () => void): () => void;
  /** Calls `run` at the end of this turn of the event loop. */
  soon(run: () => void): void;
}

export interface IdSource {
  /** `digits` lower-case hex digits from a cryptographic source. */
  hex(digits: number): string;
  /** A URL-safe name, 21 characters, collision-free for practical purposes. */
  name(): string;
}

export type LogFields = Readonly<Record<string, unknown>>;

/** One line an event. Never pass a token, SDP, candidate or payload. */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** The closed list of counters, name -> help text. Prometheus adds `signaling_` before and `_total` behind. */
export const counters = {
  connections_opened: 'WebSocket connections accepted',
  upgrades_refused: 'WebSocket upgrades refused',
  frames_received: 'Frames received',
  signals_relayed: 'Offers, answers and candidates handed to a receiver',
  messages_relayed: 'Application messages handed to a receiver',
  joins: 'Sessions that joined a room',
  joins_refused: 'Joins refused',
  refusals_told: 'Other requests refused and told so',
  refusals_silent: 'Frames dropped without a word to a parity session',
  senders_forged: 'Frames refused because the sender was not the peer of the socket',
  resumes: 'Sessions that went on over another socket',
  takeovers: 'Sockets replaced by a newer one of the same peer',
  slow_consumers: 'Connections closed because they did not read',
  join_timeouts: 'Connections closed because they did not join in time',
  upgrades_limited: 'WebSocket upgrades refused because the address has too many connections',
  requests_limited: 'HTTP requests refused because the address asked too often',
  messages_limited: 'Messages refused because the session or its user sent too many',
  messages_delayed: 'Times a parity session was not read for a while because it sent too many',
  tokens_delayed: 'Answers to bad tokens that were held back',
  kicks: 'Peers removed by a host',
  hosts_changed: 'Hosts that handed over on request',
  tokens_refreshed: 'Tokens renewed in a session',
  sessions_expired: 'Sessions ended because their token had',
  ice_servers_pushed: 'ICE servers told anew because credentials were about to end',
  letters_malformed: 'Letters from other nodes that could not be read or handled',
  signals_parked: 'Signals that waited for a peer that changed nodes',
  signals_dropped: 'Signals without an id that could not be held any longer for a peer on another node',
  sends_late: 'Messages refused because the node of the peer did not answer in time',
  sessions_swept: 'Sessions of dead nodes that this node ended',
  handler_failures: 'Exceptions caught at the error boundary',
  chats_said: 'Chat messages that got their place',
  chats_repeated: 'Chat messages that were sent again with the same id',
  chats_limited: 'Chat messages refused because the session sent too many',
  chats_late: 'Chat messages told out of order after a memory was lost',
  chats_archived: 'Chat messages that the archive took from this node',
  chats_dropped: 'Chat messages dropped unarchived because too many waited',
  chat_flushes_failed: 'Times the archive did not take chat messages',
  modes_changed: 'Rooms that changed between P2P and SFU at the word of this node',
  media_requests: 'Requests of peers to the Media Service',
  media_refused: 'Requests of peers to the Media Service that were refused',
  media_outages: 'Times a Media Service was found unavailable',
  media_restarts: 'Rooms whose router was found gone or replaced',
  rooms_created: 'Rooms created',
  rooms_deleted: 'Rooms deleted on request',
  users_deleted: 'Users deleted from the identity provider',
  user_deletions_failed: 'Users that the identity provider failed to delete',
} as const;

export type CounterName = keyof typeof counters;

/** Plain numbers that the relay path increments; the metrics adapter reads them when it is scraped. */
export type Tally = Record<CounterName, number>;

export function createTally(): Tally {
  return Object.fromEntries(Object.keys(counters).map((name) => [name, 0])) as Tally;
}
