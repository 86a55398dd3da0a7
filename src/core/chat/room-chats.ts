import type { ChatNews } from '../../ports/chat-log.js';
import type { ChatPage } from '../../protocol/chat.js';
import type { RoomId } from '../../protocol/ids.js';
import type { Ask, CommandOf } from '../../protocol/messages.js';
import type { Chats, Context } from '../context.js';
import type { Seat, Session } from '../session.js';
import { Audience } from './audience.js';
import { CatchUp } from './catch-up.js';
import { Flusher } from './flusher.js';
import { Forgetter } from './forgetter.js';
import { ChatHistory } from './history.js';
import { KeptMessages } from './kept-messages.js';
import { Restorer } from './restorer.js';
import { Speech } from './speech.js';
import { ToldRoom } from './told-room.js';

/** What was said in a room that nobody here sits in any more is kept so long, if the archive does not take it before. */
const lingerMs = 600_000;

interface Watched {
  readonly told: ToldRoom;
  /** Resolves when no news of it is missed from then on. */
  opened: Promise<void>;
  /** Nobody here sits in it any more; calls off its end. */
  stay: (() => void) | undefined;
}

/** What is said in the rooms of this node. The parts are in the files beside this one. */
export class RoomChats implements Chats {
  readonly #context: Context;
  readonly #rooms = new Map<RoomId, Watched>();
  readonly #audience: Audience;
  readonly #history: ChatHistory;
  readonly #kept: KeptMessages;
  readonly #catchUp: CatchUp;
  readonly #speech: Speech;
  readonly #restorer: Restorer;
  readonly #flusher: Flusher;
  readonly #forgetter: Forgetter;

  constructor(context: Context) {
    this.#context = context;
    const { chatLog: log, chatArchive: archive, clock, logger, tally } = context;
    const audience = (this.#audience = new Audience(context));
    const history = (this.#history = new ChatHistory(log, archive, clock));
    const kept = (this.#kept = new KeptMessages(context.chatMaxWaiting));
    const latest = (roomId: RoomId): number => this.latest(roomId);
    this.#catchUp = new CatchUp({ audience, history, kept, clock, logger, latest });
    const room = (roomId: RoomId): ToldRoom | undefined => this.#rooms.get(roomId)?.told;
    this.#speech = new Speech({ context, audience, history, kept, room });
    const restorer = new Restorer(context, kept, room);
    this.#restorer = restorer;
    const putBack: Restorer['putBack'] = (roomId, messages) => restorer.putBack(roomId, messages);
    const everyMs = context.chatFlushMs;
    this.#flusher = new Flusher({ log, archive, kept, clock, logger, tally, everyMs, putBack });
    this.#forgetter = new Forgetter(context, this.#flusher);
    kept.onEmpty = (roomId) => {
      if (this.#rooms.get(roomId)?.stay !== undefined) this.#drop(roomId);
    };
    log.onNews((news) => {
      this.#hear(news);
    });
    log.onRestored(() => {
      history.doubtLog();
      restorer.begin([...this.#rooms.keys(), ...kept.rooms()]);
    });
  }

  watch(roomId: RoomId): Promise<void> {
    const known = this.#rooms.get(roomId);
    known?.stay?.();
    if (known !== undefined) {
      known.stay = undefined;
      return known.opened;
    }
    const { clock, logger } = this.#context;
    const told = new ToldRoom(roomId, {
      history: this.#history,
      clock,
      logger,
      tell: (message) => {
        this.#kept.add(message, clock.now());
        this.#audience.tell(message);
      },
      tellLate: (message) => {
        this.#audience.tellLate(message);
      },
    });
    const opened = this.#open(roomId, told);
    this.#rooms.set(roomId, { told, opened, stay: undefined });
    return opened;
  }

  async #open(roomId: RoomId, told: ToldRoom): Promise<void> {
    const { chatLog } = this.#context;
    try {
      await chatLog.watch(roomId);
      const last = await chatLog.last(roomId);
      // Nobody wants it any more, but the log may have been told so before it was watching.
      if (!this.#rooms.has(roomId)) chatLog.unwatch(roomId);
      told.begin(last);
    } catch (error) {
      // Whoever comes next tries again.
      if (this.#rooms.get(roomId)?.told === told) this.#drop(roomId);
      throw error;
    }
  }

  unwatch(roomId: RoomId): void {
    const room = this.#rooms.get(roomId);
    if (room === undefined) return;
    room.stay?.();
    room.stay = undefined;
    if (!this.#kept.has(roomId)) {
      this.#drop(roomId);
      return;
    }
    room.stay = this.#context.clock.after(lingerMs, () => {
      this.#kept.drop(roomId);
    });
  }

  #drop(roomId: RoomId): void {
    const room = this.#rooms.get(roomId);
    room?.stay?.();
    room?.told.close();
    this.#rooms.delete(roomId);
    this.#context.chatLog.unwatch(roomId);
  }

  get waiting(): number {
    return this.#kept.size;
  }

  latest(roomId: RoomId): number {
    return this.#rooms.get(roomId)?.told.last ?? 0;
  }

  say(session: Session, seat: Seat, said: CommandOf<'chat'>, ask: Ask): void {
    this.#speech.say(session, seat, said, ask);
  }

  silence(seat: Seat): void {
    this.#audience.silence(seat);
  }

  page(roomId: RoomId, before?: number, limit?: number): Promise<ChatPage> {
    return this.#history.page(roomId, before, limit);
  }

  catchUp(seat: Seat): void {
    this.#catchUp.begin(seat);
  }

  forget(roomId: RoomId): Promise<void> {
    this.#kept.drop(roomId);
    return this.#forgetter.forget(roomId);
  }

  start(): void {
    this.#flusher.start();
  }

  async close(withinMs: number): Promise<void> {
    this.#restorer.close();
    this.#forgetter.close();
    await this.#flusher.close(withinMs);
    for (const { told, stay } of this.#rooms.values()) {
      stay?.();
      told.close();
    }
  }

  #hear(news: ChatNews): void {
    if (news.kind === 'said') {
      const { message } = news;
      const room = this.#rooms.get(message.roomId);
      if (room === undefined) return;
      if (message.seq > room.told.last) this.#kept.add(message, this.#context.clock.now());
      room.told.hear(news);
      return;
    }
    const { roomId } = news;
    if (news.kind === 'archived') this.#kept.remove(roomId, news.seqs);
    else if (news.kind === 'forgotten') this.#kept.drop(roomId);
    else {
      for (const message of news.messages) this.#kept.add(message, this.#context.clock.now());
      this.#rooms.get(roomId)?.told.restored(news.messages);
    }
  }
}
