/** What is counted and measured beside the plain counters of runtime.ts. Labels are from closed lists: never an id or an address. */
import { closeTable, type CloseReason } from '../protocol/close.js';
import { errorTable, type ErrorCode } from '../protocol/errors.js';
import { Calls } from './calls.js';
import { Family } from './family.js';
import { RelayMeter } from './relay-meter.js';

/** Dialects, their spellings taken together. A test compares it with the doors. */
export const dialectLabels = ['flat', 'gateway', 'webrtc', 'other'] as const;
export type DialectLabel = (typeof dialectLabels)[number];

/** Of a dialect's or of its family's name. */
export function dialectLabel(name: string): DialectLabel {
  const family = name.split('_', 1)[0];
  return dialectLabels.find((label) => label === family) ?? 'other';
}

/** What became of a claim to an earlier session. */
const resumeOutcomes = [
  /** It went on at this node. */
  'here',
  /** Another node handed it over. */
  'moved',
  /** Its node is dead; what had an id is sent again by its senders' nodes. */
  'after_death',
  /** It began afresh: frames that its peer had not had were not kept any more. */
  'gap',
  /** It began afresh, or had no room left to do so: there is no such session, or the claim is not its peer's. */
  'unknown',
  'superseded',
  /** It could not be judged just now, and is asked for again. */
  'undecided',
] as const;

const closeReasons = Object.keys(closeTable) as CloseReason[];
const codes = Object.keys(errorTable) as ErrorCode[];

/** How a socket ended that the server did not close: its far end, or the network, did. */
const endings = ['by_peer', 'no_pong', 'broken'] as const;
export type Ending = CloseReason | (typeof endings)[number];

const upgradeStatuses = ['400', '403', '404', '429', '500', '503'] as const;

/** The rules of `RateLimiter`, and what is held. */
export const limitRules = [
  'signins',
  'rooms',
  'ice',
  'bad_tokens',
  'user_messages',
  'upgrades',
  'connections',
  'other',
] as const;

export const notReadyReasons = ['draining', 'room_store', 'other_nodes'] as const;

/** Counters with labels, off the relay path. Prometheus adds `signaling_` before and `_total` behind. */
export function createFamilies() {
  return {
    joins: new Family('Sessions that joined a room', { dialect: dialectLabels }),
    joins_refused: new Family('Joins refused', { code: codes }),
    refusals: new Family('Other requests refused; who speaks like the Python server is not told of most', {
      code: codes,
      told: ['yes', 'no'],
    }),
    upgrades_refused: new Family('WebSocket upgrades refused, by HTTP status', { status: upgradeStatuses }),
    closes: new Family('WebSocket connections ended, by the reason of the server or how the far end did', {
      reason: [...closeReasons, ...endings],
    }),
    resumes: new Family('Claims to an earlier session, by what became of them', { outcome: resumeOutcomes }),
    limit_decisions: new Family('What limits by address and user decided, by rule', {
      rule: limitRules,
      decision: ['allowed', 'refused'],
    }),
  };
}

/** What is counted by looking at it. Prometheus adds `signaling_` before. */
export const gauges = {
  connections: 'WebSocket connections open now',
  connections_limit: 'TCP connections that one port takes (MAX_CONNECTIONS); 0: no limit',
  sessions:
    'Sessions of this node now: joined, outside (no room yet), detached (socket gone, seat kept), kept (name only)',
  rooms: 'Rooms with a session or a kept name on this node now, by how their media goes',
  peers_elsewhere: 'Peers of other nodes in rooms of this one now',
  outbox_bytes: 'Bytes that wait for peers to read them now',
  waiting_limit_bytes: 'What may wait for all connections together (MAX_WAITING_BYTES)',
  links: 'Other nodes that this one exchanges letters with now',
  link_waiting_bytes: 'Bytes of letters that other nodes have not said to have now',
  chats_waiting: 'Chat messages kept by this node until the archive is known to have them',
  media_service_available: 'Whether a Media Service answers this node (1) or is not asked until it does (0)',
  media_service_load: 'Share of what a Media Service is good for that is taken; 1 and more: it is full',
  ready: 'Whether this node can serve (1); as /readyz',
  not_ready: 'Why it cannot (1)',
  redis_connected: 'Whether there is a connection to Redis (1); absent without Redis',
  heap_limit_bytes: 'What the JavaScript heap may grow to',
  memory_limit_bytes: 'What the process may have: the limit of its container, or the memory of its machine',
  build_info: 'Always 1; what runs, by its labels',
} as const;

export type GaugeName = keyof typeof gauges;

export interface GaugeSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export type GaugeReadings = Readonly<Partial<Record<GaugeName, number | readonly GaugeSample[]>>>;

/** What goes with the plain counters. */
export interface Metrics {
  readonly families: ReturnType<typeof createFamilies>;
  readonly relay: RelayMeter;
  /** Times of calls to others, off the relay path. */
  readonly calls: Calls;
}

export function createMetrics(): Metrics {
  return { families: createFamilies(), relay: new RelayMeter(), calls: new Calls() };
}
