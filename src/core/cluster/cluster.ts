/** The parts that make many nodes one, put together. */
import type { NodeId } from '../../protocol/ids.js';
import type { Context, CoreSettings, Ports } from '../context.js';
import { Appointments } from '../appointments.js';
import { BadTokens } from '../bad-tokens.js';
import { RoomChats } from '../chat/room-chats.js';
import { Guesses } from '../guesses.js';
import { Hub } from '../hub.js';
import { RoomMedia } from '../media/room-media.js';
import { nobodyThere, notReached, refuse } from '../refusal.js';
import { Custody } from './custody.js';
import { Lease } from './lease.js';
import { open } from './letter-box.js';
import { PostOffice } from './post-office.js';
import { Relay } from './relay.js';
import { Rosters } from './rosters.js';
import { SeatLedger } from './seat-ledger.js';
import { UserBudgets } from '../user-budgets.js';

/** Where sessions have no limit of their own. */
const usualBurstS = 10;

/** What the archive does not take in this time, another node brings there. */
const chatCloseMs = 2_000;

export interface Cluster {
  readonly context: Context;
  /** Resolves when this node hears the others and has its lease. Rejects when the presence or the bus does not answer. */
  start(): Promise<void>;
  /** This node is known to the others, and hears of them. */
  readonly isConnected: boolean;
  /** Nothing is under way to any other node. */
  readonly isIdle: boolean;
  close(): Promise<void>;
}

export function createCluster(ports: Ports, settings: CoreSettings): Cluster {
  const { presence, bus, clock, logger, tally } = ports;
  const hub = new Hub();
  const office = new PostOffice({ bus, clock, logger, tally, self: presence.nodeId });
  const custody: Custody = new Custody({
    hub,
    office,
    clock,
    tally,
    refuse: ({ session }, { ask, to }, why) => {
      if (to === undefined) return;
      refuse(context, session, why === 'missing' ? nobodyThere(to) : notReached(to), ask);
    },
  });
  const relay = new Relay({ hub, office, custody, clock, tally });
  const ledger = new SeatLedger(presence, logger);
  const { userMessagesPerSecond: rate, messagesPerSecond, messageBurst } = settings.limits;
  // As many at once, in proportion, as one session may send.
  const burstS = messagesPerSecond > 0 ? messageBurst / messagesPerSecond : usualBurstS;
  const userBudgets = new UserBudgets(rate, rate * burstS);
  const endSharing = presence.isAlone ? undefined : userBudgets.share(ports.limiter, clock);
  const context: Context = {
    ...ports,
    ...settings,
    hub,
    office,
    custody,
    relay,
    ledger,
    appointments: new Appointments(clock),
    userBudgets,
    guesses: new Guesses(settings.limits.badTokensPerMinute),
    badTokens: new BadTokens(ports, settings.limits.badTokensPerMinute),
    get rosters() {
      return rosters;
    },
    get chats() {
      return chats;
    },
    get media() {
      return media;
    },
  };
  const rosters = new Rosters(context);
  const chats = new RoomChats(context);
  const media = new RoomMedia(context);
  const lease = new Lease({
    presence,
    clock,
    logger,
    tally,
    graceMs: settings.graceMs,
    seats: () => liveSeats(hub),
    onRound: () => {
      ledger.retry();
      for (const roomId of ledger.takeUnwritten()) {
        const room = hub.room(roomId);
        if (room !== undefined) void rosters.sync(room);
      }
      office.prune(nodesOf(hub));
    },
    onLapsed: () => {
      rosters.syncAll();
    },
  });
  return {
    context,
    async start() {
      await office.open((from, letter, seq) => {
        open(context, from, letter, seq);
      });
      await lease.start();
      chats.start();
      media.start();
    },
    get isConnected() {
      return lease.isHeld;
    },
    get isIdle() {
      return office.isIdle;
    },
    async close() {
      media.close();
      await chats.close(chatCloseMs);
      custody.close();
      context.appointments.close();
      endSharing?.();
      await lease.close();
      office.close();
    },
  };
}

function liveSeats(hub: Hub): ReturnType<ConstructorParameters<typeof Lease>[0]['seats']> {
  return [...hub.sessions].flatMap(({ state }) =>
    state.at === 'joined' ? [{ roomId: state.seat.room.id, peerId: state.seat.peerId }] : [],
  );
}

/** Nodes whose peers share a room with peers of this one. */
function nodesOf(hub: Hub): ReadonlySet<NodeId> {
  const nodes = new Set<NodeId>();
  for (const room of hub.rooms()) for (const { seat } of room.remotes.values()) nodes.add(seat.nodeId);
  return nodes;
}
