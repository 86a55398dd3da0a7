/** As much to say as is allowed, by many, in messages as long as they may be. */
import { said } from './raw-socket.mjs';
import { gather, repeat, seated, settled } from './swarm.mjs';

/** So many are sent by each where turns count: more than may be said at one a second as long as anybody waits for it. */
const turns = 200;

export const attack = {
  what: '50 peers in a room that chat 4,000 characters at a time, far beyond their rate, and ask for the history meanwhile',
  stoppedBy: 'Q4, L7',
  settings: ({ isCounted }) => ({
    CHAT_MAX_WAITING: '1000',
    ...(isCounted ? { RATE_CHATS_PER_SESSION: '1' } : {}),
  }),
  async run(target, terms) {
    const { scale } = terms;
    const sockets = await gather(Math.max(5, Math.round(50 * scale)), (n) => seated(target, `talker-${n}`));
    const message = said({ type: 'chat_message', content: 'c'.repeat(4_000) });
    const history = said({ type: 'chat_history', limit: 200 });
    let sent = 0;
    await repeat(1, terms, turns, async () => {
      for (const socket of sockets) {
        socket.write(message);
        if (sent % 20 === 0) socket.write(history);
        sent += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    });
    // What is left in sockets that break is never heard.
    const isRefused = async () => {
      const figures = await (await fetch(`${target.http}/metrics`)).text();
      return /^signaling_chats_limited_total [1-9]/m.test(figures);
    };
    if (terms.isCounted) await settled('some of it is refused', isRefused);
    const open = sockets.filter(({ isOpen }) => isOpen).length;
    for (const socket of sockets) socket.drop();
    return { messages: sent, talkers: sockets.length, 'still open': open };
  },
};
