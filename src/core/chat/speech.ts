import type { ChatDraft, ChatMessage } from '../../protocol/chat.js';
import { SignalingError } from '../../protocol/errors.js';
import type { RoomId } from '../../protocol/ids.js';
import type { Ask, CommandOf } from '../../protocol/messages.js';
import type { Context } from '../context.js';
import { note } from '../note.js';
import { refuse } from '../refusal.js';
import type { Seat, Session } from '../session.js';
import type { Audience } from './audience.js';
import type { ChatHistory } from './history.js';
import type { KeptMessages } from './kept-messages.js';
import type { ToldRoom } from './told-room.js';

/** When so many of a peer's messages wait for the log, this is a guess at when there is room again. */
const fullMs = 1_000;

export interface SpeechParts {
  readonly context: Context;
  readonly audience: Audience;
  readonly history: ChatHistory;
  readonly kept: KeptMessages;
  readonly room: (roomId: RoomId) => ToldRoom | undefined;
}

/** From what a peer says to its place in the log. Everybody is told from there, the speaker too: that is its answer. */
export class Speech {
  readonly #parts: SpeechParts;
  #isLogAway = false;

  constructor(parts: SpeechParts) {
    this.#parts = parts;
  }

  say(session: Session, seat: Seat, { id, content }: CommandOf<'chat'>, ask: Ask): void {
    const { context, audience } = this.#parts;
    const { maxChatChars } = context.limits;
    if (content.length < 1 || content.length > maxChatChars) {
      const fault = `content must have 1 to ${maxChatChars} characters.`;
      const error = new SignalingError('INVALID_MESSAGE', fault, { fields: { content: [fault] } });
      refuse(context, session, error, ask);
      return;
    }
    const speaker = audience.speaker(seat);
    const waitMs = speaker.budget.take(context.clock.now());
    const draft = {
      roomId: seat.room.id,
      id: id ?? context.ids.name(),
      from: seat.peerId,
      sub: seat.identity.sub,
      content,
    };
    const isTaken = waitMs === 0 && speaker.lane.run(() => this.#place(seat, draft, ask));
    if (isTaken) return;
    context.tally.chats_limited += 1;
    note(context, 'limit_reached', session, { code: 'chats' });
    const retryAfterMs = waitMs > 0 ? waitMs : fullMs;
    const why =
      waitMs > 0
        ? `At most ${context.limits.chatsPerSecond} chat messages a second`
        : 'Too many chat messages of this peer wait for their place';
    const text = `${why}: this one was dropped, send it again later.`;
    refuse(context, session, new SignalingError('RATE_LIMITED', text, { retryAfterMs }), ask);
  }

  async #place(seat: Seat, draft: ChatDraft, ask: Ask): Promise<void> {
    const { audience, context } = this.#parts;
    const speaker = audience.speaker(seat);
    if (speaker.isSilenced) return;
    speaker.expect(draft.id, ask);
    try {
      const known = await this.#known(draft);
      if (known === undefined) await this.#append(seat, draft);
      else this.#again(seat, known);
      this.#isLogAway = false;
    } catch (error) {
      if (!this.#isLogAway) context.logger.warn('chat_not_said', { room: draft.roomId, error });
      this.#isLogAway = true;
      // It may have got its place all the same, and the news of it has come.
      if (!speaker.giveUp(draft.id, ask)) return;
      const refusal = error instanceof SignalingError ? error : new SignalingError('INTERNAL');
      refuse(context, seat.session, refusal, ask);
    }
  }

  async #append(seat: Seat, draft: ChatDraft): Promise<void> {
    const { context, kept, room: roomOf } = this.#parts;
    const { chatLog, chatMaxWaiting: maxWaiting, tally, clock } = context;
    const terms = { maxWaiting, above: roomOf(draft.roomId)?.last ?? 0 };
    const { message, previous, isRepeat, dropped } = await chatLog.append(draft, terms);
    tally.chats_dropped += dropped;
    const room = roomOf(draft.roomId);
    // Otherwise it was heard before its answer, and is kept unless it is in the archive already.
    if (!isRepeat && (room === undefined || message.seq > room.last)) kept.add(message, clock.now());
    kept.own(message);
    if (!isRepeat) tally.chats_said += 1;
    room?.hear({ message, previous: isRepeat ? undefined : previous });
    if (isRepeat) this.#again(seat, message);
  }

  /** What was said before: if it was told here, the speaker alone is told it again, as it was said first. */
  #again(seat: Seat, message: ChatMessage): void {
    const { context, audience, room } = this.#parts;
    context.tally.chats_repeated += 1;
    const isTold = message.seq <= (room(message.roomId)?.last ?? 0);
    const isAhead = seat.isBehindInChat && message.seq > seat.chatSeq;
    if (isTold && !isAhead && audience.speaker(seat).expects(message.id)) audience.tellOne(seat, message);
  }

  /** The log knows ids too, until it loses its memory. */
  async #known(draft: ChatDraft): Promise<ChatMessage | undefined> {
    const { room, kept, history } = this.#parts;
    const seq = room(draft.roomId)?.placeOf(draft);
    if (seq === undefined) return undefined;
    return kept.find(draft.roomId, seq) ?? history.at(draft.roomId, seq);
  }
}
