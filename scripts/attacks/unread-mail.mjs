/** Peers that are sent much and read nothing, in a room with one that says everything to everybody. */
import { said } from './raw-socket.mjs';
import { gather, repeat, seated } from './swarm.mjs';

export const attack = {
  what: 'one peer that sends 16 KB to everybody in a room with 200 that do not read; MAX_WAITING_BYTES is 64 MiB',
  stoppedBy: 'T3, V27',
  settings: () => ({ MAX_WAITING_BYTES: '67108864' }),
  async run(target, terms) {
    const { scale } = terms;
    const readers = await gather(Math.max(20, Math.round(200 * scale)), async (n) => {
      const socket = await seated(target, `deaf-${n}`);
      socket.stopReading();
      return socket;
    });
    const speaker = await seated(target, 'speaker');
    const message = said({ type: 'candidate', candidate: 'x'.repeat(16_000) });
    let sent = 0;
    await repeat(1, terms, 900, async () => {
      speaker.write(message);
      sent += 1;
      if (sent % 50 === 0) await speaker.drained();
      if (sent % 300 === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    });
    for (const socket of [...readers, speaker]) socket.drop();
    return { messages: sent, receivers: readers.length };
  },
};
