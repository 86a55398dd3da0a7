import { afterEach, describe, expect, test } from '@jest/globals';
import type { Message } from '../../src/client/file-framing.js';
import { PeerLink } from '../../src/client/peer-link.js';
import { loadWebRtc } from '../../src/client/webrtc.js';

const links: PeerLink[] = [];

async function open(): Promise<PeerLink> {
  const link = new PeerLink(await loadWebRtc(), []);
  links.push(link);
  return link;
}

/** Everything that came over the link, once the channel of the other end is closed. */
function collect(link: PeerLink): Message[] {
  const messages: Message[] = [];
  link.listen((message) => messages.push(message));
  return messages;
}

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
});

describe('a connection between two links', () => {
  test('comes about from one complete offer and one complete answer', async () => {
    const [a, b] = [await open(), await open()];
    const offer = await a.offer();
    expect(offer).toMatch(/^a=candidate:/m);
    const answer = await b.answer(offer);
    expect(answer).toMatch(/^a=candidate:/m);
    await a.acceptAnswer(answer);
    expect([(await a.opened).readyState, (await b.opened).readyState]).toEqual(['open', 'open']);
    expect(a.chunkBytes).toBe(65_536);
  });

  test('comes about from candidates that are trickled, also before the description', async () => {
    const [a, b] = [await open(), await open()];
    const offer = await a.offer();
    const candidates = [...offer.matchAll(/^a=(candidate:.*?)\r?$/gm)].map(([, candidate]) => ({
      candidate,
      sdpMid: '0',
      sdpMLineIndex: 0,
    }));
    expect(candidates.length).toBeGreaterThan(0);
    const bare = offer.replaceAll(/^a=(candidate:|end-of-candidates).*\r?\n/gm, '');
    for (const candidate of candidates) await b.addCandidate(candidate);
    const answer = await b.answer(bare);
    await a.acceptAnswer(answer.replaceAll(/^a=(candidate:|end-of-candidates).*\r?\n/gm, ''));
    await Promise.all([a.opened, b.opened]);
  });

  test('keeps the messages that come before anybody listens', async () => {
    const [a, b] = [await open(), await open()];
    await a.acceptAnswer(await b.answer(await a.offer()));
    const [channelOfA] = await Promise.all([a.opened, b.opened]);
    channelOfA.send('early');
    channelOfA.send(Uint8Array.of(1, 2));
    const closed = new Promise<void>((resolve) => {
      void b.opened.then((channel) => {
        channel.addEventListener('close', resolve);
      });
    });
    await a.close();
    await closed;
    expect(collect(b)).toEqual(['early', Uint8Array.of(1, 2)]);
  });

  test('loses nothing when it is drained before it is closed', async () => {
    const [a, b] = [await open(), await open()];
    await a.acceptAnswer(await b.answer(await a.offer()));
    const [channelOfA, channelOfB] = await Promise.all([a.opened, b.opened]);
    const messages = collect(b);
    const closed = new Promise<void>((resolve) => {
      channelOfB.addEventListener('close', resolve);
    });
    const chunk = new Uint8Array(60_000);
    const chunks = 30;
    for (let sent = 0; sent < chunks; sent += 1) channelOfA.send(chunk);
    await a.drained(chunks * chunk.length);
    await a.close();
    await closed;
    expect(messages).toHaveLength(chunks);
  });

  test('that is closed before it is open is a failure for who waits', async () => {
    const a = await open();
    await a.offer();
    await a.close();
    await expect(a.opened).rejects.toMatchObject({ kind: 'peer', exitCode: 5 });
  });

  test('cannot be made from nonsense', async () => {
    const a = await open();
    await expect(a.answer('v=nonsense')).rejects.toMatchObject({ kind: 'peer', exitCode: 5 });
  });
});
