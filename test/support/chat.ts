/** What tests say to a whole room, and what they are told of it. */
import type { RoamingPeer } from './roaming-peer.js';
import type { Frame } from './test-peer.js';

export function say(peer: RoamingPeer, content: string, id = content): void {
  peer.send({ type: 'chat_message', content, id });
}

/** All that was said, up to the first that has this content. */
export async function hearUpTo(peer: RoamingPeer, content: string): Promise<Frame[]> {
  const frames = await peer.until({ type: 'chat_message', content });
  return frames.filter(({ type }) => type === 'chat_message');
}

/** The next so many that were said. */
export async function hear(peer: RoamingPeer, count: number): Promise<Frame[]> {
  const heard: Frame[] = [];
  while (heard.length < count) heard.push(...(await peer.until({ type: 'chat_message' })).slice(-1));
  return heard;
}

export function contents(frames: readonly Frame[]): unknown[] {
  return frames.map(({ content }) => content);
}

/** Asks for a part of the history. */
export async function historyOf(peer: RoamingPeer, part: Frame = {}): Promise<Frame> {
  peer.send({ type: 'chat_history', id: 'page', ...part });
  return (await peer.until({ reply_to: 'page' })).at(-1) ?? {};
}

/** All of it, page by page. */
export async function wholeHistory(peer: RoamingPeer, limit = 50): Promise<Frame[]> {
  const pages: Frame[][] = [];
  let before: unknown;
  do {
    const { messages, next } = await historyOf(peer, {
      limit,
      ...(typeof before === 'number' ? { before } : {}),
    });
    pages.unshift(messages as Frame[]);
    before = next;
  } while (typeof before === 'number');
  return pages.flat();
}
