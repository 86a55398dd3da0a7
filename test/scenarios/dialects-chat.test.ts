/** What is said to a room whose peers speak different dialects: on one node and over two. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DialectPeer, makeOpenRoom, type Whereto } from '../support/dialect-peers.js';
import type { PeerKind } from '../support/dialect-words.js';
import type { User } from '../support/server.js';
import type { Frame } from '../support/test-peer.js';
import { topologies, type Place } from '../support/topology.js';

/** The message as each kind of client is told it, without when and where. */
const told: Partial<Record<PeerKind, (from: string, id: string) => Frame>> = {
  full: (from, id) => ({
    type: 'chat_message',
    id,
    sender: from,
    senderId: from,
    content: `hi from ${from}`,
  }),
  webrtc: (from, id) => s4('chat-message', from, id),
  'webrtc with underscores': (from, id) => s4('chat_message', from, id),
  'webrtc extended': (from, id) => s4('chat-message', from, id),
};

function s4(type: string, from: string, id: string): Frame {
  const content = `hi from ${from}`;
  const payload = { id, message_id: id, user_id: from, content, text: content, message_type: 'text' };
  return { type, sender_id: from, payload };
}

const speakers = Object.keys(told) as readonly PeerKind[];
const silent: readonly PeerKind[] = ['parity', 'gateway', 'gateway with presence'];

function nameOf(kind: PeerKind): string {
  return kind.replaceAll(' ', '-');
}

function say(peer: DialectPeer, id: string): void {
  const text = `hi from ${peer.name}`;
  if (peer.kind === 'full') peer.send({ type: 'chat_message', content: text, id });
  else if (peer.kind === 'webrtc with underscores')
    peer.send({ type: 'chat_message', payload: { text, id } });
  else peer.send({ type: 'chat-message', payload: { content: text, message_id: id }, id });
}

const isChat = ({ type }: Frame): boolean => type === 'chat_message' || type === 'chat-message';

describe.each(topologies)('$name', ({ start }) => {
  let place: Place;
  let room: Whereto;
  let owner: User;
  let peers: readonly DialectPeer[];
  beforeAll(async () => {
    place = await start();
    owner = await place.left.signIn();
    room = await makeOpenRoom(place.right, owner);
    const joined: DialectPeer[] = [];
    for (const [at, kind] of [...speakers, ...silent].entries()) {
      const node = at % 2 === 0 ? place.left : place.right;
      const peer = await DialectPeer.join(kind, node, room, nameOf(kind), owner);
      await Promise.all(joined.map((one) => one.meets(peer.name)));
      joined.push(peer);
    }
    peers = joined;
  });
  afterAll(() => place.stop());

  const of = (kinds: readonly PeerKind[]): readonly DialectPeer[] =>
    peers.filter(({ kind }) => kinds.includes(kind));

  test('[Q1] [X3] each says it in its words, and all who have words for it are told in theirs', async () => {
    const heard = new Map<PeerKind, Frame[]>();
    const all = of(speakers);
    for (const speaker of all) {
      say(speaker, `m-${speaker.name}`);
      // S4's own clients are not told what they said themselves.
      const isEchoed = speaker.kind === 'full' || speaker.kind === 'webrtc extended';
      for (const peer of all) {
        if (peer === speaker && !isEchoed) continue;
        const expected = told[peer.kind]?.(speaker.name, `m-${speaker.name}`) ?? {};
        const frame = (await peer.until(expected)).filter(isChat);
        heard.set(peer.kind, [...(heard.get(peer.kind) ?? []), ...frame]);
        expect(frame.at(-1)?.['reply_to']).toBe(peer === speaker ? `m-${speaker.name}` : undefined);
      }
    }
    for (const kind of speakers) {
      const isEchoed = kind === 'full' || kind === 'webrtc extended';
      expect([kind, heard.get(kind)?.length]).toEqual([kind, isEchoed ? all.length : all.length - 1]);
    }
    for (const peer of of(silent)) await peer.expectQuiet();
  });

  test('[Q8] who asks for the history gets it, in S4’s words too', async () => {
    const ids = of(speakers).map(({ name }) => `m-${name}`);
    for (const peer of of(speakers)) {
      const isFlat = peer.kind === 'full';
      peer.send(isFlat ? { type: 'chat_history', id: '1' } : { type: 'chat-history', payload: {} });
      const answer = await peer.next();
      expect(String(answer['type'])).toMatch(/^chat.history$/);
      const page = (isFlat ? answer : answer['payload']) as { messages: readonly Frame[]; next: unknown };
      expect([page.messages.map(({ id }) => id), page.next]).toEqual([ids, null]);
    }
  });

  test('[X3] gateway clients have no word for chat', async () => {
    for (const peer of of(['gateway', 'gateway with presence'])) {
      peer.send({ type: 'chat_message', senderId: peer.name, content: 'x' });
      await peer.until({ error: 'Invalid message format' });
    }
    const [listener] = of(['full']);
    await listener?.expectQuiet();
  });
});
