import type { EventSink } from '../ports/event-sink.js';
import type { GaugeReadings } from '../ports/metrics.js';
import { createCluster, type Cluster } from './cluster/cluster.js';
import { SignalingError } from '../protocol/errors.js';
import { asSessionId, type PeerId } from '../protocol/ids.js';
import type { IceConfig } from '../protocol/ice.js';
import type { Ask, Command } from '../protocol/messages.js';
import type { RoomMode, RoomRecord } from '../protocol/records.js';
import type { Context, CoreSettings, Ports } from './context.js';
import { answerToBadToken } from './bad-tokens.js';
import { dispatch, reject } from './dispatch.js';
import { drain } from './drain.js';
import { readFigures } from './figures.js';
import { disconnect, sweepExpired } from './membership.js';
import { MessageBudget } from './message-budget.js';
import { createRoomsApi, type RoomsApi } from './rooms-api.js';
import { roomsHere, type RoomHere } from './rooms-here.js';
import {
  createRoom,
  deletePeer,
  deletePeersAndRoom,
  type DeletionOutcome,
  type DeletionTarget,
} from './room-desk.js';
import { Session, type Arrived } from './session.js';

const sweepEveryMs = 60_000;
/** Readiness is asked by anybody; the store is not asked more often than this. */
const readinessMaxAgeMs = 2_000;

/** This process, as the floors above see it. */
export class SignalingNode {
  readonly #context: Context;
  readonly #cluster: Cluster;
  /** Rooms as a directory. */
  readonly rooms: RoomsApi;
  #draining = false;
  #cancelSweep: () => void;
  #storeReady: Promise<boolean> | undefined;

  constructor(ports: Ports, settings: CoreSettings) {
    this.#cluster = createCluster(ports, settings);
    this.#context = this.#cluster.context;
    this.rooms = createRoomsApi(this.#context);
    this.#cancelSweep = this.#scheduleSweep();
  }

  /** Joins the other nodes. Rejects when they cannot be reached. */
  start(): Promise<void> {
    return this.#cluster.start();
  }

  /** A socket was accepted: begins a session. */
  open(sink: EventSink, arrived: Arrived): Session {
    const { ids, limits } = this.#context;
    const budget = new MessageBudget(limits.messagesPerSecond, limits.messageBurst);
    const session = new Session(asSessionId(ids.name()), sink, arrived, budget);
    this.#context.hub.sessions.add(session);
    return session;
  }

  /** Runs a command; a promise means that the session's next frame must wait for it. It never rejects. */
  receive(session: Session, command: Command, ask: Ask): Promise<void> | undefined {
    return dispatch(this.#context, session, command, ask);
  }

  /** A frame that means nothing; otherwise as `receive`. `endsQuiet`: as `reject` in dispatch.ts. */
  reject(
    session: Session,
    error: SignalingError,
    ask: Ask | undefined,
    endsQuiet: boolean,
  ): Promise<void> | undefined {
    return reject(this.#context, session, error, ask, endsQuiet);
  }

  /** The socket is gone. Idempotent. */
  disconnected(session: Session): void {
    disconnect(this.#context, session);
  }

  /** Signs a throw-away user in. */
  signIn(): Promise<{ readonly idToken: string; readonly username: string }> {
    return this.#context.identities.signIn();
  }

  /** Rejects with what is wrong with a token. `mayBeAnonymous`: none is needed where the server lets such peers in. */
  async prove(credential: string | undefined, mayBeAnonymous: boolean, address: string): Promise<void> {
    if (credential !== undefined) {
      try {
        await this.#context.verifier.verify(credential);
      } catch (error) {
        if (!(error instanceof SignalingError)) throw error;
        throw await answerToBadToken(this.#context, address, error);
      }
    } else if (!mayBeAnonymous || !this.#context.allowAnonymous)
      throw new SignalingError('INVALID_TOKEN', 'An identity token is needed.');
  }

  /** Counts a wrong key that was shown there. Resolves when that may be said, as `BadTokens.count`. */
  wrongKey(address: string): Promise<number> {
    return this.#context.badTokens.count(address);
  }

  /** For the user of a token. Rejects as `TokenVerifier.verify`. */
  async iceConfigOf(credential: string): Promise<IceConfig> {
    const { sub } = await this.#context.verifier.verify(credential);
    return this.#context.ice.configFor(sub);
  }

  anonymousIceConfig(): IceConfig {
    return this.#context.ice.configFor('anonymous');
  }

  createRoom(idToken: string, terms: { readonly mode?: RoomMode } = {}): Promise<RoomRecord> {
    return createRoom(this.#context, idToken, terms);
  }

  deletePeersAndRoom(target: DeletionTarget, bearer?: string): Promise<DeletionOutcome> {
    return deletePeersAndRoom(this.#context, target, bearer);
  }

  deletePeer(
    peerId: PeerId,
    bearer?: string,
  ): Promise<{ readonly found: boolean; readonly roomDeleted: boolean }> {
    return deletePeer(this.#context, peerId, bearer);
  }

  /** Counts of the moment. `connections`: open sockets; `sessions`: those of them that sit in a room. */
  stats(): {
    readonly rooms: number;
    readonly connections: number;
    readonly sessions: number;
    readonly peersByRole: Readonly<Record<string, number>>;
  } {
    const { hub } = this.#context;
    const peersByRole = new Map<string, number>();
    let sessions = 0;
    for (const { state } of hub.sessions) {
      if (state.at !== 'joined') continue;
      sessions += 1;
      const { role } = state.seat.card;
      peersByRole.set(role, (peersByRole.get(role) ?? 0) + 1);
    }
    return {
      rooms: hub.roomCount,
      connections: hub.sessions.size,
      sessions,
      peersByRole: Object.fromEntries(peersByRole),
    };
  }

  /** Gauges of the moment. */
  figures(): GaugeReadings {
    return readFigures(this.#context);
  }

  /** The rooms with most peers, for the operator. */
  roomsHere(most: number): readonly RoomHere[] {
    return roomsHere(this.#context.hub, most);
  }

  /** Empty when ready; else a word for each thing that is not. */
  async notReady(): Promise<readonly string[]> {
    const reasons = this.#draining ? ['draining'] : [];
    if (!(await this.#isStoreReady())) reasons.push('room store');
    if (!this.#cluster.isConnected) reasons.push('other nodes');
    return reasons;
  }

  /**
   * Not ready from now on. Full sessions are told to go elsewhere in slices, so that they do not all come at once, and
   * kept until another node has them, `withinMs` at most. A node that is alone keeps nobody waiting.
   */
  async drain(withinMs: number): Promise<void> {
    this.#draining = true;
    this.#cancelSweep();
    await drain(this.#context, withinMs, () => this.#cluster.isIdle);
    await this.#cluster.close();
  }

  #isStoreReady(): Promise<boolean> {
    this.#storeReady ??= this.#askStore();
    return this.#storeReady;
  }

  async #askStore(): Promise<boolean> {
    const forget = (): void => {
      this.#storeReady = undefined;
    };
    try {
      await this.#context.store.check();
      return true;
    } catch (error) {
      this.#context.logger.warn('store_not_ready', { error });
      return false;
    } finally {
      this.#context.clock.after(readinessMaxAgeMs, forget);
    }
  }

  #scheduleSweep(): () => void {
    return this.#context.clock.after(sweepEveryMs, () => {
      sweepExpired(this.#context);
      this.#cancelSweep = this.#scheduleSweep();
    });
  }
}
