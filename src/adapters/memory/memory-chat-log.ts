import type { ChatDraft, ChatMessage, ChatName } from '../../protocol/chat.js';
import { SignalingError } from '../../protocol/errors.js';
import type { RoomId } from '../../protocol/ids.js';
import type { ChatAppended, ChatAppendTerms, ChatLog, ChatNews, ChatTerms } from '../../ports/chat-log.js';
import type { Clock } from '../../ports/runtime.js';
import { MemoryChatRoom } from './memory-chat-room.js';

/** What nobody has used for so long, and the archive has whole, is forgotten. */
const IDLE_MS = 3_600_000;
const SWEEP_MS = 60_000;

/** What the logs of several nodes of one process share. */
export class MemoryChatMemory {
  private readonly rooms = new Map<RoomId, MemoryChatRoom>();
  private readonly logs = new Set<MemoryChatLog>();
  private sweptAtMs = 0;
  /** No place that was given is above it. Survives `lose`, as time does. */
  private floor = 0;

  constructor(private readonly clock: Clock) {}

  /** Everything is lost, as in a restart of a store that keeps nothing; then the logs are told that they work again. */
  lose(): void {
    this.rooms.clear();
    for (const log of this.logs) log.restored();
  }

  attach(log: MemoryChatLog): void {
    this.logs.add(log);
  }

  append(draft: ChatDraft, terms: ChatAppendTerms): ChatAppended {
    const room = this.used(draft.roomId);
    const appended = room.append(draft, terms, this.now(), Math.max(this.floor, terms.above ?? 0));
    if (appended.isRepeat) return appended;
    const { message, previous } = appended;
    // Of all rooms: who names a room anew after a loss gets no place twice.
    this.floor = Math.max(this.floor, message.seq);
    this.tell(draft.roomId, { kind: 'said', message, previous });
    return appended;
  }

  restore(roomId: RoomId, messages: readonly ChatMessage[], terms: ChatTerms): void {
    const put = this.used(roomId).restore(messages, terms, this.now());
    for (const { seq } of put) this.floor = Math.max(this.floor, seq);
    if (put.length > 0) this.tell(roomId, { kind: 'restored', roomId, messages: put });
  }

  recall(roomId: RoomId, names: readonly ChatName[]): void {
    this.used(roomId).recall(names, this.now());
  }

  archived(roomId: RoomId, seqs: readonly number[]): void {
    this.rooms.get(roomId)?.archived(seqs);
    this.tell(roomId, { kind: 'archived', roomId, seqs });
  }

  forget(roomId: RoomId): number {
    this.floor = Math.max(this.floor, this.rooms.get(roomId)?.last ?? 0, this.now());
    this.rooms.set(roomId, new MemoryChatRoom(this.floor));
    this.used(roomId);
    this.tell(roomId, { kind: 'forgotten', roomId });
    return this.floor;
  }

  /** To look at, not to use. */
  room(roomId: RoomId): MemoryChatRoom | undefined {
    return this.rooms.get(roomId);
  }

  waitingRooms(): readonly RoomId[] {
    return [...this.rooms].filter(([, room]) => room.hasWaiting).map(([roomId]) => roomId);
  }

  private tell(roomId: RoomId, news: ChatNews): void {
    for (const log of this.logs) log.tell(roomId, news);
  }

  private now(): number {
    return this.clock.now() * 1000;
  }

  private used(roomId: RoomId): MemoryChatRoom {
    this.sweep();
    const room = this.rooms.get(roomId) ?? new MemoryChatRoom();
    room.usedAtMs = this.clock.now();
    this.rooms.set(roomId, room);
    return room;
  }

  private sweep(): void {
    const nowMs = this.clock.now();
    if (nowMs - this.sweptAtMs < SWEEP_MS) return;
    this.sweptAtMs = nowMs;
    for (const [roomId, room] of this.rooms) {
      if (!room.hasWaiting && nowMs - room.usedAtMs > IDLE_MS) this.rooms.delete(roomId);
    }
  }
}

/**
 * One node's view of a chat that is kept in this process. News come in microtasks, in order. `cut` and `mend` are the
 * faults of a network, for tests of what is built on it.
 */
export class MemoryChatLog implements ChatLog {
  private readonly watched = new Set<RoomId>();
  private readonly newsListeners: ((news: ChatNews) => void)[] = [];
  private readonly restoredListeners: (() => void)[] = [];
  private isCut = false;
  /** What is on its way when the node is cut off is lost. */
  private cuts = 0;

  constructor(private readonly memory: MemoryChatMemory) {
    memory.attach(this);
  }

  /** Calls reject and news are missed. */
  cut(): void {
    this.isCut = true;
    this.cuts++;
  }

  mend(): void {
    if (!this.isCut) return;
    this.isCut = false;
    this.restored();
  }

  tell(roomId: RoomId, news: ChatNews): void {
    if (!this.watched.has(roomId)) return;
    this.deliver(() => {
      for (const listener of this.newsListeners) listener(news);
    });
  }

  restored(): void {
    this.deliver(() => {
      for (const listener of this.restoredListeners) listener();
    });
  }

  onNews(listener: (news: ChatNews) => void): void {
    this.newsListeners.push(listener);
  }

  onRestored(listener: () => void): void {
    this.restoredListeners.push(listener);
  }

  watch(roomId: RoomId): Promise<void> {
    return this.call(() => {
      this.watched.add(roomId);
    });
  }

  unwatch(roomId: RoomId): void {
    this.watched.delete(roomId);
  }

  append(draft: ChatDraft, terms: ChatAppendTerms): Promise<ChatAppended> {
    return this.call(() => this.memory.append(draft, terms));
  }

  after(roomId: RoomId, seq: number, limit: number): Promise<readonly ChatMessage[]> {
    return this.call(() => this.memory.room(roomId)?.after(seq, limit) ?? []);
  }

  before(roomId: RoomId, seq: number, limit: number): Promise<readonly ChatMessage[]> {
    return this.call(() => this.memory.room(roomId)?.before(seq, limit) ?? []);
  }

  last(roomId: RoomId): Promise<number> {
    return this.call(() => this.memory.room(roomId)?.last ?? 0);
  }

  restore(roomId: RoomId, messages: readonly ChatMessage[], terms: ChatTerms): Promise<void> {
    return this.call(() => {
      if (messages.length > 0) this.memory.restore(roomId, messages, terms);
    });
  }

  recall(roomId: RoomId, names: readonly ChatName[]): Promise<void> {
    return this.call(() => {
      if (names.length > 0) this.memory.recall(roomId, names);
    });
  }

  waitingRooms(limit: number): Promise<readonly RoomId[]> {
    return this.call(() => this.memory.waitingRooms().slice(0, limit));
  }

  waiting(roomId: RoomId, limit: number): Promise<readonly ChatMessage[]> {
    return this.call(() => this.memory.room(roomId)?.waiting(limit) ?? []);
  }

  archived(roomId: RoomId, seqs: readonly number[]): Promise<void> {
    return this.call(() => {
      this.memory.archived(roomId, seqs);
    });
  }

  forget(roomId: RoomId): Promise<number> {
    return this.call(() => this.memory.forget(roomId));
  }

  private call<Result>(run: () => Result): Promise<Result> {
    if (!this.isCut) return Promise.resolve(run());
    const cause = new Error('this node is cut off from its memory');
    return Promise.reject(new SignalingError('STORE_UNAVAILABLE', undefined, { cause }));
  }

  private deliver(run: () => void): void {
    if (this.isCut) return;
    const { cuts } = this;
    queueMicrotask(() => {
      if (cuts === this.cuts) run();
    });
  }
}
