/** TCP connections on which nothing is said. */
import { RawSocket } from './raw-socket.mjs';
import { gather, outlast, pause } from './swarm.mjs';

export const attack = {
  what: '4,000 silent TCP connections from one address, half of them to each port',
  settings: ({ scale }) => ({ MAX_CONNECTIONS_PER_IP: String(Math.max(20, Math.round(1_000 * scale))) }),
  async run({ httpPort, wsPort }, { seconds, scale }) {
    const each = Math.max(60, Math.round(2_500 * scale));
    const sockets = [
      ...(await gather(each, () => RawSocket.open(httpPort))),
      ...(await gather(each, () => RawSocket.open(wsPort))),
    ];
    await pause(200);
    const held = sockets.filter(({ isOpen }) => isOpen).length;
    const left = await outlast(sockets, seconds);
    for (const socket of sockets) socket.drop();
    return { connections: sockets.length, held, 'still open in the end': left };
  },
};
