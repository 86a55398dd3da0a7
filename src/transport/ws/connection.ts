import type { Socket } from 'node:net';
import type { SignalingNode } from '../../core/signaling-node.js';
import type { Session } from '../../core/session.js';
import type { Dialect } from '../../dialects/dialect.js';
import type { EventSink } from '../../ports/event-sink.js';
import type { Clock, Logger, Tally } from '../../ports/runtime.js';
import { closeTable, type CloseReason } from '../../protocol/close.js';
import { SignalingError } from '../../protocol/errors.js';
import type { Ask, Event } from '../../protocol/messages.js';
import { pingFrame } from './frame.js';
import type { Liveness } from './liveness.js';
import { Outbox, type Flusher } from './outbox.js';
import type { PeerSocket, SocketListener } from './peer-socket.js';
import { PreJoinGuard } from './pre-join-guard.js';

export interface ConnectionSettings {
  readonly maxOutboxBytes: number;
  /** Absolute: traffic does not extend it. */
  readonly preJoinMs: number;
}

/** What all connections of a process share. */
export interface ConnectionContext {
  readonly node: SignalingNode;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tally: Tally;
  readonly flusher: Flusher;
  readonly liveness: Liveness;
  readonly encoder: (dialect: Dialect, event: Event, ask: Ask | undefined) => Buffer;
  readonly settings: ConnectionSettings;
}

/** After a close frame the far end has this long to answer it. */
const closeGraceMs = 3_000;

/** One WebSocket: frames in, strictly one after another; events out, corked per tick. Dies with the socket. */
export class Connection implements EventSink, SocketListener {
  readonly #context: ConnectionContext;
  readonly #socket: PeerSocket;
  readonly #stream: Socket;
  readonly #dialect: Dialect;
  readonly #outbox: Outbox;
  readonly #session: Session;
  #guard: PreJoinGuard | undefined;
  #cancelDeadline: (() => void) | undefined;
  readonly #unwatch: () => void;
  /** Frames that came while the session waits for a join; the socket is paused meanwhile, so it stays short. */
  #parked: { readonly bytes: Buffer; readonly isBinary: boolean }[] | undefined;
  #isClosing = false;
  #heardSincePing = true;
  #probes: ((answered: boolean) => void)[] = [];

  constructor(context: ConnectionContext, socket: PeerSocket, stream: Socket, dialect: Dialect) {
    this.#context = context;
    this.#socket = socket;
    this.#stream = stream;
    this.#dialect = dialect;
    this.#outbox = new Outbox(stream, context.settings.maxOutboxBytes);
    this.#session = context.node.open(this);
    this.#unwatch = context.liveness.watch(this);
    this.#guard = new PreJoinGuard(stream, () => {
      this.#refuseTooBig();
    });
    this.#cancelDeadline = context.clock.after(context.settings.preJoinMs, () => {
      context.tally.join_timeouts += 1;
      this.close('join_timeout');
    });
    socket.listen(this);
  }

  onFrame(bytes: Buffer, isBinary: boolean): void {
    this.#context.tally.frames_received += 1;
    this.#heardSincePing = true;
    if (this.#isClosing) return;
    this.#guard?.frameEnded();
    if (this.#parked !== undefined) {
      this.#parked.push({ bytes, isBinary });
      return;
    }
    const waiting = this.#handle(bytes, isBinary);
    if (waiting !== undefined) this.#park(waiting);
  }

  #handle(bytes: Buffer, isBinary: boolean): Promise<void> | undefined {
    if (this.#guard?.admits(bytes.length) === false) {
      this.#refuseTooBig();
      return undefined;
    }
    const decoded = this.#dialect.decode(bytes, isBinary);
    if ('error' in decoded) {
      this.#context.node.reject(this.#session, decoded.error, decoded.ask, decoded.endsQuiet);
      return undefined;
    }
    return this.#context.node.receive(this.#session, decoded.command, decoded.ask);
  }

  /** Holds back this session's next frames, and nobody else's, until `waiting` is over. */
  #park(waiting: Promise<void>): void {
    this.#parked = [];
    this.#guard?.pause();
    this.#socket.pause();
    void waiting.then(() => {
      this.#resume();
    });
  }

  #resume(): void {
    const parked = this.#parked ?? [];
    this.#parked = undefined;
    if (this.#session.state.at === 'joined') this.#releaseGuard();
    for (let next = parked.shift(); next !== undefined && !this.#isClosing; next = parked.shift()) {
      const waiting = this.#handle(next.bytes, next.isBinary);
      if (waiting === undefined) continue;
      this.#park(waiting);
      this.#parked = parked;
      return;
    }
    this.#guard?.resume();
    this.#socket.resume();
  }

  #releaseGuard(): void {
    this.#guard?.release();
    this.#guard = undefined;
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
  }

  #refuseTooBig(): void {
    if (this.#isClosing) return;
    const text = `At most ${PreJoinGuard.maxBytes} bytes a message before joining a room.`;
    this.send({ type: 'refused', error: new SignalingError('MESSAGE_TOO_BIG', text) });
    this.close('too_big');
  }

  send(event: Event, ask?: Ask): void {
    if (this.#isClosing) return;
    const frame = event.type === 'signal' || event.type === 'message' ? event.frame : undefined;
    const payload =
      frame?.dialect === this.#dialect.name ? frame.bytes : this.#context.encoder(this.#dialect, event, ask);
    const wasEmpty = this.#outbox.isEmpty;
    if (!this.#outbox.push(payload)) {
      this.#context.tally.slow_consumers += 1;
      this.close('slow_consumer');
    } else if (wasEmpty) {
      this.#context.flusher.schedule(this.#outbox);
    }
  }

  close(reason: CloseReason): void {
    if (this.#isClosing) return;
    this.#outbox.flush();
    this.#end();
    const { code, text } = closeTable[reason];
    this.#socket.close(code, text);
    this.#context.logger.info('closed', { session: this.#session.id, reason });
  }

  probe(withinMs: number): Promise<boolean> {
    if (this.#isClosing) return Promise.resolve(false);
    return new Promise((resolve) => {
      const cancel = this.#context.clock.after(withinMs, () => {
        resolve(false);
      });
      this.#probes.push((answered) => {
        cancel();
        resolve(answered);
      });
      this.#ping();
    });
  }

  checkAlive(): void {
    if (this.#isClosing) return;
    if (!this.#heardSincePing) {
      this.#context.logger.info('pong_timeout', { session: this.#session.id });
      this.#socket.terminate();
      return;
    }
    this.#heardSincePing = false;
    this.#ping();
  }

  onPong(): void {
    this.#heardSincePing = true;
    this.#settleProbes(true);
  }

  onError(error: Error): void {
    // ws has begun to close the socket with the code that fits.
    this.#context.logger.info('socket_error', { session: this.#session.id, error });
    this.#end();
  }

  onClose(): void {
    this.#end();
  }

  /** Once: no more events in or out, timers off, the session is told, and the far end has a while to say goodbye. */
  #end(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#releaseGuard();
    this.#unwatch();
    this.#settleProbes(false);
    // A paused socket would not see the far end's answer to the close.
    if (this.#socket.isPaused) this.#socket.resume();
    if (this.#socket.readyState !== this.#socket.CLOSED) {
      this.#context.clock.after(closeGraceMs, () => {
        this.#socket.terminate();
      });
    }
    // Not at once: the caller may be walking over the room that this session leaves.
    queueMicrotask(() => {
      this.#context.node.disconnected(this.#session);
    });
  }

  #ping(): void {
    if (this.#stream.writable) this.#stream.write(pingFrame);
  }

  #settleProbes(answered: boolean): void {
    const probes = this.#probes;
    this.#probes = [];
    for (const settle of probes) settle(answered);
  }
}
