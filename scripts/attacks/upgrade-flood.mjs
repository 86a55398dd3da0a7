/** New WebSockets as fast as they come, each left at once. */
import { RawSocket } from './raw-socket.mjs';
import { repeat, tally } from './swarm.mjs';

export const attack = {
  what: 'WebSocket upgrades from one address as fast as they are answered, each left at once',
  stoppedBy: 'V21, L6',
  settings: ({ isCounted }) => ({ RATE_UPGRADES_PER_IP: isCounted ? '40' : '3000' }),
  async run({ wsPort }, terms) {
    const statuses = [];
    const tried = await repeat(50, terms, 300, async () => {
      const socket = await RawSocket.upgrade(wsPort);
      statuses.push(socket.status);
      socket.drop();
    });
    const { 101: opened = 0, 429: refused = 0 } = tally(statuses);
    return { tried, 101: opened, 429: refused };
  },
};
