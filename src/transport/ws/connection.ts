import type { Socket } from 'node:net';
import type { SignalingNode } from '../../core/signaling-node.js';
import type { Session } from '../../core/session.js';
import type { Dialect } from '../../dialects/dialect.js';
import type { EventSink } from '../../ports/event-sink.js';
import type { Clock, Logger, Tally } from '../../ports/runtime.js';
import { closeTable, type CloseReason } from '../../protocol/close.js';
import { SignalingError } from '../../protocol/errors.js';
import type { Ask, Event } from '../../protocol/messages.js';
import { FrameReader, type FrameEvents } from './frame-reader.js';
import { pingFrame } from './frame.js';
import { InboundQueue, type InboundFrame, type InboundTap } from './inbound-queue.js';
import type { Liveness } from './liveness.js';
import { Outbox, type Flusher } from './outbox.js';
import type { PeerSocket, SocketListener } from './peer-socket.js';
import { PreJoinGuard } from './pre-join-guard.js';

export interface ConnectionSettings {
  readonly maxOutboxBytes: number;
  readonly maxMessageBytes: number;
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

/** One WebSocket: frames in, strictly one after another; events out, corked per tick. Dies with the socket. */
export class Connection implements EventSink, SocketListener, InboundTap, FrameEvents {
  readonly dialect: string;
  readonly #context: ConnectionContext;
  readonly #socket: PeerSocket;
  readonly #stream: Socket;
  readonly #dialect: Dialect;
  readonly #outbox: Outbox;
  readonly #inbound: InboundQueue;
  readonly #session: Session;
  /** While the session sits in no room. */
  #guard: PreJoinGuard | undefined;
  readonly #unwatch: () => void;
  #isClosing = false;
  #heardSincePing = true;
  #probes: ((answered: boolean) => void)[] = [];

  constructor(context: ConnectionContext, socket: PeerSocket, stream: Socket, dialect: Dialect) {
    this.#context = context;
    this.#socket = socket;
    this.#stream = stream;
    this.#dialect = dialect;
    this.dialect = dialect.name;
    this.#outbox = new Outbox(stream, context.settings.maxOutboxBytes);
    this.#inbound = new InboundQueue(this);
    this.#session = context.node.open(this);
    this.#unwatch = context.liveness.watch(this);
    FrameReader.attach(stream, context.settings.maxMessageBytes, this);
    this.#expectJoin();
    socket.listen(this);
  }

  onFrame(bytes: Buffer, isBinary: boolean): void {
    this.#context.tally.frames_received += 1;
    this.#heardSincePing = true;
    if (this.#isClosing) return;
    if (this.#probes.length > 0) this.#settleProbes(true);
    this.#guard?.frameEnded();
    this.#inbound.push({ bytes, isBinary });
  }

  onText(payload: Buffer): void {
    this.onFrame(payload, false);
  }

  beforeWs(): void {
    this.#outbox.flush();
  }

  handle({ bytes, isBinary }: InboundFrame): Promise<void> | undefined {
    if (this.#isClosing) return undefined;
    if (this.#guard !== undefined && bytes.length > PreJoinGuard.maxBytes) {
      this.#refuseTooBig();
      return undefined;
    }
    const decoded = this.#dialect.decode(bytes, isBinary);
    if ('error' in decoded) {
      this.#context.node.reject(this.#session, decoded.error, decoded.ask, decoded.endsQuiet);
      return undefined;
    }
    const waiting = this.#context.node.receive(this.#session, decoded.command, decoded.ask);
    if (decoded.command.type === 'leave' && this.#session.state.at === 'outside') this.#expectJoin();
    return waiting?.then(() => {
      if (this.#session.state.at === 'joined') this.#releaseGuard();
    });
  }

  pause(): void {
    this.#guard?.pause();
    this.#socket.pause();
  }

  resume(): void {
    this.#guard?.resume();
    this.#socket.resume();
  }

  overflow(): void {
    this.close('too_fast');
  }

  /** Bounds time and bytes until the session sits in a room. */
  #expectJoin(): void {
    if (this.#guard !== undefined) return;
    const { clock, tally, settings } = this.#context;
    const cancelDeadline = clock.after(settings.preJoinMs, () => {
      tally.join_timeouts += 1;
      this.close('join_timeout');
    });
    this.#guard = new PreJoinGuard(this.#stream, cancelDeadline, () => {
      this.#refuseTooBig();
    });
  }

  #releaseGuard(): void {
    this.#guard?.release();
    this.#guard = undefined;
  }

  #refuseTooBig(): void {
    if (this.#isClosing) return;
    const text = `At most ${PreJoinGuard.maxBytes} bytes a message before joining a room.`;
    this.send({ type: 'refused', error: new SignalingError('MESSAGE_TOO_BIG', text) });
    this.close('too_big');
  }

  encode(event: Event, ask?: Ask): Buffer {
    const frame = event.type === 'signal' || event.type === 'message' ? event.frame : undefined;
    const isVerbatim = frame?.isSigned === true && frame.dialect === this.#dialect.name;
    return isVerbatim ? frame.bytes : this.#context.encoder(this.#dialect, event, ask);
  }

  write(payload: Buffer): boolean {
    if (this.#isClosing) return false;
    if (this.#socket.readyState !== this.#socket.OPEN) {
      // The far end has said goodbye; ws tells us only when the TCP connection is gone too.
      this.#end();
      return false;
    }
    const wasEmpty = this.#outbox.isEmpty;
    if (!this.#outbox.push(payload)) {
      this.#context.tally.slow_consumers += 1;
      this.close('slow_consumer');
      return false;
    }
    if (wasEmpty) this.#context.flusher.schedule(this.#outbox);
    return true;
  }

  send(event: Event, ask?: Ask): boolean {
    return !this.#isClosing && this.write(this.encode(event, ask));
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
    // While it joins it is not read, so it cannot be heard; it spoke a moment ago.
    if (this.#inbound.isWaiting) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.#ping();
      const backlogBytes = this.#stream.writableLength;
      const cancel = this.#context.clock.after(withinMs, () => {
        // The ping waits behind mail. A full pipe that moves has somebody at its other end.
        resolve(backlogBytes > 0 && this.#stream.writableLength < backlogBytes);
      });
      this.#probes.push((answered) => {
        cancel();
        resolve(answered);
      });
    });
  }

  checkAlive(): void {
    if (this.#isClosing) return;
    if (!this.#heardSincePing && !this.#inbound.isWaiting) {
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
    // ws has begun to close the socket with the code that fits. Its stack would say nothing of the client.
    const code = 'code' in error ? error.code : error.name;
    this.#context.logger.info('socket_error', { session: this.#session.id, code });
    this.#end();
  }

  onClose(): void {
    this.#end();
  }

  /** Once: no more events in or out, timers off, the session is told. ws ends the socket, within its close timeout. */
  #end(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#releaseGuard();
    this.#inbound.clear();
    this.#unwatch();
    this.#settleProbes(false);
    // A paused socket would not see the far end's answer to the close.
    if (this.#socket.isPaused) this.#socket.resume();
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
