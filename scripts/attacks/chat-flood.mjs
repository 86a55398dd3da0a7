/** As much to say as is allowed, by many, in messages as long as they may be. */
import { said } from './raw-socket.mjs';
import { gather, repeat, seated } from './swarm.mjs';

export const attack = {
  what: '50 peers in a room that chat 4,000 characters at a time, far beyond their rate, and ask for the history meanwhile',
  settings: () => ({ CHAT_MAX_WAITING: '1000' }),
  async run(target, { seconds, scale }) {
    const sockets = await gather(Math.max(5, Math.round(50 * scale)), (n) => seated(target, `talker-${n}`));
    const message = said({ type: 'chat_message', content: 'c'.repeat(4_000) });
    const history = said({ type: 'chat_history', limit: 200 });
    let sent = 0;
    await repeat(1, seconds, async () => {
      for (const socket of sockets) {
        socket.write(message);
        if (sent % 20 === 0) socket.write(history);
        sent += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    });
    const open = sockets.filter(({ isOpen }) => isOpen).length;
    for (const socket of sockets) socket.drop();
    return { messages: sent, talkers: sockets.length, 'still open': open };
  },
};
