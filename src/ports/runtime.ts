/** The surroundings of the core: time, names, log, counters. */
import { createMetrics, type Metrics } from './metrics.js';

/** Milliseconds throughout. Tests put a clock of their own here. */
export interface Clock {
  now(): number;
  /** Since some moment in the past, with fractions, never backwards: for durations. */
  elapsed(): number;
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

/**
 * All that a line of the log may carry: ids, names of ours, codes and counts. What is not here cannot be logged, and no
 * field takes an object, so that no token, SDP, candidate or payload gets there by mistake.
 */
export interface LogFields {
  readonly session?: string | undefined;
  readonly room?: string | undefined;
  readonly peer?: string | undefined;
  /** The peer to whom it was done. */
  readonly target?: string | undefined;
  readonly user?: string | undefined;
  /** The user's `sub`. */
  readonly sub?: string | undefined;
  /** The client's address as limits count it. */
  readonly address?: string | undefined;
  /** The session that did it. */
  readonly by?: string | undefined;
  /** Another node than the one that writes this. */
  readonly other?: string | undefined;
  /** An error's or a socket's code. */
  readonly code?: string | undefined;
  /** Why, in few words of ours. */
  readonly reason?: string | undefined;
  readonly verb?: string | undefined;
  /** Of a letter between nodes. */
  readonly kind?: string | undefined;
  readonly dialect?: string | undefined;
  /** One of our other services, by its address. */
  readonly service?: string | undefined;
  /** Which Redis, without a login. */
  readonly redis?: string | undefined;
  readonly epoch?: string | undefined;
  readonly method?: string | undefined;
  /** Of a request: a path of ours, never what the client wrote. */
  readonly path?: string | undefined;
  readonly status?: number | undefined;
  readonly seq?: number | undefined;
  readonly count?: number | undefined;
  readonly sessions?: number | undefined;
  readonly ms?: number | undefined;
  /** Another event, of which this line tells. */
  readonly about?: string | undefined;
  readonly version?: string | undefined;
  readonly http?: string | undefined;
  readonly ws?: string | undefined;
  readonly decisions?: readonly string[] | undefined;
  /** Name, code, text and stack of it and its causes are written, nothing else that hangs on it. */
  readonly error?: unknown;
}

/** One line an event. Event names are constants. Nothing on the relay path logs. */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** The closed list of counters, name -> help text. Prometheus adds `signaling_` before and `_total` behind. */
export const counters = {
  connections_opened: 'WebSocket connections accepted',
  frames_received: 'Frames received',
  signals_relayed: 'Offers, answers and candidates handed to a receiver',
  messages_relayed: 'Application messages handed to a receiver',
  senders_forged: 'Frames refused because the sender was not the peer of the socket',
  takeovers: 'Sockets replaced by a newer one of the same peer',
  slow_consumers: 'Connections closed because they did not read',
  upgrades_limited: 'WebSocket upgrades refused because the address has, or opened, too many',
  connections_shed: 'Connections cut because too much waited for all of them together, and most for these',
  connections_cut: 'TCP connections cut because there were too many, or too much was asked on one at once',
  requests_limited: 'HTTP requests refused because the address asked too often',
  messages_limited: 'Messages refused because the session or its user sent too many',
  messages_delayed: 'Times a parity session was not read for a while because it sent too many',
  tokens_delayed: 'Answers to bad tokens and wrong keys that were held back',
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
  frames_replayed: 'Frames sent again to peers that went on with their session',
  frames_missing: 'Frames that peers had missed and that were not kept any more when they came back',
  roster_gaps: 'Changes of a room that this node missed, and read the room again for',
  roster_reads: 'Times a room was read again, for a gap or after an outage',
  link_gaps: 'Letters of another node that were missing and are asked for again',
  link_complaints: 'Times another node said that a letter of this one was missing',
  users_deleted: 'Users deleted from the identity provider',
  user_deletions_failed: 'Users that the identity provider failed to delete',
} as const;

export type CounterName = keyof typeof counters;

/** Plain numbers that the relay path increments, and the rest; the metrics adapter reads them when it is scraped. */
export interface Tally extends Record<CounterName, number> {
  readonly metrics: Metrics;
}

export function createTally(): Tally {
  const zeros = Object.fromEntries(Object.keys(counters).map((name) => [name, 0])) as Record<
    CounterName,
    number
  >;
  return { ...zeros, metrics: createMetrics() };
}
