import type { EventSink } from '../ports/event-sink.js';
import { createCluster, type Cluster } from './cluster/cluster.js';
import type { SignalingError } from '../protocol/errors.js';
import { asSessionId, type PeerId } from '../protocol/ids.js';
import type { Ask, Command } from '../protocol/messages.js';
import type { RoomRecord } from '../protocol/records.js';
import type { Context, CoreSettings, Ports } from './context.js';
import { dispatch } from './dispatch.js';
import { drain } from './drain.js';
import { disconnect, sweepExpired } from './membership.js';
import { refuse } from './refusal.js';
import {
  createRoom,
  deletePeer,
  deletePeersAndRoom,
  type DeletionOutcome,
  type DeletionTarget,
} from './room-desk.js';
import { Session } from './session.js';

const sweepEveryMs = 60_000;
/** Readiness is asked by anybody; the store is not asked more often than this. */
const readinessMaxAgeMs = 2_000;

/** This process, as the floors above see it. */
export class SignalingNode {
  readonly #context: Context;
  readonly #cluster: Cluster;
  #draining = false;
  #cancelSweep: () => void;
  #storeReady: Promise<boolean> | undefined;

  constructor(ports: Ports, settings: CoreSettings) {
    this.#cluster = createCluster(ports, settings);
    this.#context = this.#cluster.context;
    this.#cancelSweep = this.#scheduleSweep();
  }

  /** Joins the other nodes. Rejects when they cannot be reached. */
  start(): Promise<void> {
    return this.#cluster.start();
  }

  /** A socket was accepted: begins a session. */
  open(sink: EventSink): Session {
    const session = new Session(asSessionId(this.#context.ids.name()), sink);
    this.#context.hub.sessions.add(session);
    return session;
  }

  /** Runs a command; a promise means that the session's next frame must wait for it. It never rejects. */
  receive(session: Session, command: Command, ask: Ask): Promise<void> | undefined {
    return dispatch(this.#context, session, command, ask);
  }

  /** A frame that means nothing. `endsQuiet`: the Python server ends the socket of a registered peer for this. */
  reject(session: Session, error: SignalingError, ask: Ask | undefined, endsQuiet: boolean): void {
    refuse(this.#context, session, error, ask);
    if (endsQuiet && session.state.quiet) session.sink.close('normal');
  }

  /** The socket is gone. Idempotent. */
  disconnected(session: Session): void {
    disconnect(this.#context, session);
  }

  /** Signs a throw-away user in. */
  signIn(): Promise<{ readonly idToken: string; readonly username: string }> {
    return this.#context.identities.signIn();
  }

  createRoom(idToken: string): Promise<RoomRecord> {
    return createRoom(this.#context, idToken);
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
