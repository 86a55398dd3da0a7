import type { ChatMessage } from '../../protocol/chat.js';
import type { Context } from '../context.js';
import type { Seat } from '../session.js';
import { Speaker } from './speaker.js';

/** Who is told what is said: this node's full sessions in the room, each in its place of the order. */
export class Audience {
  readonly #context: Context;
  readonly #speakers = new WeakMap<Seat, Speaker>();

  constructor(context: Context) {
    this.#context = context;
  }

  speaker(seat: Seat): Speaker {
    const known = this.#speakers.get(seat);
    if (known !== undefined) return known;
    const speaker = new Speaker(this.#context.limits.chatsPerSecond);
    this.#speakers.set(seat, speaker);
    return speaker;
  }

  silence(seat: Seat): void {
    const speaker = this.#speakers.get(seat);
    if (speaker !== undefined) speaker.isSilenced = true;
  }

  /** To everybody who has been told all that was before it. The others are catching up, or will. */
  tell(message: ChatMessage): void {
    // One object for all: it is written once.
    const event = { type: 'chat', message } as const;
    for (const seat of this.#seats(message))
      if (!seat.isBehindInChat && message.seq > seat.chatSeq) this.#say(seat, event);
  }

  /** Out of its place: what came after it has been told. */
  tellLate(message: ChatMessage): void {
    const event = { type: 'chat', message } as const;
    this.#context.tally.chats_late += 1;
    // Who is catching up and has not come so far yet will find it there.
    for (const seat of this.#seats(message))
      if (!seat.isBehindInChat || message.seq <= seat.chatSeq) this.#say(seat, event);
  }

  /** To one alone: it is catching up, or has said it again. */
  tellOne(seat: Seat, message: ChatMessage): void {
    if (isThere(seat)) this.#say(seat, { type: 'chat', message });
  }

  *#seats({ roomId }: ChatMessage): Generator<Seat> {
    for (const { state } of this.#context.hub.room(roomId)?.members.values() ?? [])
      if ('seat' in state && isThere(state.seat)) yield state.seat;
  }

  #say(seat: Seat, event: { readonly type: 'chat'; readonly message: ChatMessage }): void {
    const { message } = event;
    const isOwn = message.from === seat.peerId && message.sub === seat.identity.sub;
    const ask = isOwn ? this.#speakers.get(seat)?.takeAsk(message.id) : undefined;
    seat.chatSeq = Math.max(seat.chatSeq, message.seq);
    seat.session.tell(event, ask);
  }
}

/** A full session sits in it, and no other node is taking it over. */
export function isThere(seat: Seat): boolean {
  const { state } = seat.session;
  const isSeated = state.at === 'joined' || state.at === 'detached';
  return isSeated && state.seat === seat && !state.quiet && !seat.mail.isFrozen;
}
