import type { Socket } from 'node:net';
import type { Arrived, Session } from '../../core/session.js';
import type { Dialect, Door, Scope } from '../../dialects/dialect.js';
import type { EventSink } from '../../ports/event-sink.js';
import type { Ending } from '../../ports/metrics.js';
import { closeTable, type CloseReason } from '../../protocol/close.js';
import { SignalingError } from '../../protocol/errors.js';
import { isRelayed, type Ask, type Command, type Event } from '../../protocol/messages.js';
import type { ConnectionContext } from './connection-context.js';
import { FrameReader, type FrameEvents } from './frame-reader.js';
import { InboundQueue, type InboundFrame, type InboundTap } from './inbound-queue.js';
import { readLeftovers } from './leftovers.js';
import { Outbox } from './outbox.js';
import type { PeerSocket, SocketListener } from './peer-socket.js';
import { PreJoinGuard } from './pre-join-guard.js';
import { Pulse } from './pulse.js';
import { readCommand } from './read-command.js';
import type { Secret } from '../../protocol/secret.js';

/** One WebSocket: frames in, strictly one after another; events out, corked per tick. Dies with the socket. */
export class Connection implements EventSink, SocketListener, InboundTap, FrameEvents {
  readonly #context: ConnectionContext;
  readonly #socket: PeerSocket;
  readonly #stream: Socket;
  readonly #entrance: Door;
  readonly #scope: Scope;
  readonly #pulse: Pulse;
  /** Another spelling of it when the client turns out to use that. */
  #dialect: Dialect;
  readonly #outbox: Outbox;
  readonly #inbound: InboundQueue;
  readonly #session: Session;
  /** While the session sits in no room. */
  #guard: PreJoinGuard | undefined;
  readonly #unwatch: () => void;
  #isClosing = false;

  constructor(
    context: ConnectionContext,
    socket: PeerSocket,
    stream: Socket,
    entrance: Door,
    arrived: Arrived,
  ) {
    this.#context = context;
    this.#socket = socket;
    this.#stream = stream;
    this.#entrance = entrance;
    this.#dialect = entrance.dialect;
    this.#scope = { roomId: entrance.roomId, now: () => context.clock.now() };
    this.#pulse = new Pulse(stream, context.clock);
    this.#outbox = new Outbox(stream, context.settings.maxOutboxBytes, context.waiting);
    this.#inbound = new InboundQueue(this);
    this.#session = context.node.open(this, arrived);
    this.#unwatch = context.liveness.watch(this);
    FrameReader.attach(stream, context.settings.maxMessageBytes, this, context, socket);
    this.#expectJoin();
    socket.listen(this);
    if (!entrance.waitsForToken || arrived.credential !== undefined) this.#greet();
  }

  get dialect(): string {
    return this.#dialect.name;
  }

  get wantsRoomState(): boolean {
    return this.#dialect.wantsRoomState;
  }

  get hearsItself(): boolean {
    return this.#dialect.hearsItself;
  }

  /** Does what the address asks for, before anything that the client says. */
  #greet(idToken?: Secret): void {
    const { hello } = this.#entrance;
    if (hello === undefined) return;
    if ('error' in hello) {
      void this.#context.node.reject(this.#session, hello.error, hello.ask, false);
      this.close(this.#entrance.roomId === undefined ? 'unusable_room_id' : 'malformed_address');
      return;
    }
    const shown = idToken === undefined || hello.command.type !== 'join' ? {} : { idToken };
    this.#inbound.wait(this.#run({ ...hello.command, ...shown }, hello.ask));
  }

  onFrame(bytes: Buffer, isBinary: boolean): void {
    this.#context.tally.frames_received += 1;
    this.#pulse.heard();
    if (this.#isClosing) return;
    this.#guard?.frameEnded();
    this.#inbound.push({ bytes, isBinary });
  }

  onText(payload: Buffer): void {
    this.onFrame(payload, false);
  }

  beforeWs(): void {
    this.#outbox.flush();
  }

  handle(frame: InboundFrame): Promise<void> | undefined {
    if (this.#isClosing) return undefined;
    if (this.#guard !== undefined && frame.bytes.length > PreJoinGuard.maxBytes) {
      this.#refuseTooBig();
      return undefined;
    }
    const decoded = readCommand(this.#dialect, frame, this.#scope, this.#context);
    if ('error' in decoded)
      return this.#context.node.reject(this.#session, decoded.error, decoded.ask, decoded.endsQuiet);
    if (decoded.speaks !== undefined) this.#dialect = decoded.speaks;
    const { command, ask } = decoded;
    if (command.type === 'refresh_token' && this.#entrance.waitsForToken && this.#guard !== undefined) {
      this.#greet(command.token);
      return undefined;
    }
    return this.#run(command, ask);
  }

  #run(command: Command, ask: Ask): Promise<void> | undefined {
    const waiting = this.#context.node.receive(this.#session, command, ask);
    if (command.type === 'leave' && this.#session.state.at === 'outside') this.#expectJoin();
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

  overflow(): boolean {
    // Who has joined may lose nothing; paused as it is, there is one piece of it at most.
    if (this.#guard !== undefined) this.close('too_fast');
    return this.#isClosing;
  }

  /** Bounds time and bytes until the session sits in a room. */
  #expectJoin(): void {
    if (this.#guard !== undefined) return;
    const { clock, settings } = this.#context;
    const cancelDeadline = clock.after(settings.preJoinMs, this.close.bind(this, 'join_timeout'));
    this.#guard = new PreJoinGuard(this.#stream, cancelDeadline, this.#refuseTooBig.bind(this));
  }

  #releaseGuard(): void {
    this.#guard?.release();
    this.#guard = undefined;
  }

  #refuseTooBig(): void {
    this.send({ type: 'refused', error: new SignalingError('MESSAGE_TOO_BIG', PreJoinGuard.tooBig) });
    this.close('too_big');
  }

  encode(event: Event, ask?: Ask): Buffer | undefined {
    const said = event.type === 'signal' || event.type === 'message' ? event : undefined;
    const isVerbatim = said?.frame?.isSigned === true && said.frame.dialect === this.#dialect.name;
    const { relay, encoder } = this.#context;
    const payload = isVerbatim ? said.frame.bytes : encoder(this.#dialect, event, ask, this.#scope);
    if (said !== undefined && payload !== undefined && !this.#isClosing) relay.handed(this);
    return payload;
  }

  write(payload: Buffer): boolean {
    if (this.#isClosing) return false;
    if (this.#socket.readyState !== this.#socket.OPEN) {
      // The far end has said goodbye; ws tells us only when the TCP connection is gone too.
      this.#end('by_peer');
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
    if (this.#isClosing) return false;
    const payload = this.encode(event, ask);
    return payload === undefined ? !isRelayed(event) : this.write(payload);
  }

  close(reason: CloseReason, text?: string): void {
    if (this.#isClosing) return;
    this.#outbox.flush();
    this.#end(reason);
    const said = this.#dialect.close?.(reason) ?? closeTable[reason];
    this.#socket.close(said.code, text ?? said.text);
    this.#context.logger.info('closed', { session: this.#session.id, reason });
  }

  probe(withinMs: number): Promise<boolean> {
    if (this.#isClosing) return Promise.resolve(false);
    // While it joins it is not read, so it cannot be heard; it spoke a moment ago.
    if (this.#inbound.isWaiting) return Promise.resolve(true);
    return this.#pulse.probe(withinMs);
  }

  checkAlive(): void {
    if (this.#inbound.isWaiting) this.#pulse.heard();
    if (this.#pulse.beat()) return;
    this.#context.logger.info('pong_timeout', { session: this.#session.id });
    this.#end('no_pong');
    this.#socket.terminate();
  }

  onControl(isPong: boolean): void {
    if (isPong) this.#pulse.heard();
    if (!this.#pulse.allowsControl()) this.close('too_fast');
  }

  onError(code: string): void {
    // ws has begun to close the socket with the code that fits.
    this.#context.logger.info('socket_error', { session: this.#session.id, code });
    this.#end('broken');
  }

  onClose(): void {
    this.#end('by_peer');
  }

  /** Once: no more events in or out, timers off, the session is told. ws ends the socket, within its close timeout. */
  #end(reason: Ending): void {
    if (this.#isClosing) return;
    this.#context.tally.metrics.families.closes.add({ reason });
    this.#isClosing = true;
    this.#context.flusher.schedule(this.#outbox);
    this.#releaseGuard();
    this.#inbound.clear();
    this.#unwatch();
    this.#pulse.settle(false);
    readLeftovers(this.#socket, this.#stream, this.#context.clock);
    // Not at once: the caller may be walking over the room that this session leaves.
    queueMicrotask(() => {
      this.#context.node.disconnected(this.#session);
    });
  }
}
