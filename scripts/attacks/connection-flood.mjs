/** TCP connections on which nothing is said. */
import { RawSocket } from './raw-socket.mjs';
import { gather, outlast, settled } from './swarm.mjs';

/** So many at a time: the system keeps a few hundred for a server that has not looked yet. */
const wave = 50;

/** The server has seen all connections to this port that were made before: it takes them in their turn. */
async function caughtUp(port) {
  const asker = await RawSocket.open(port, { from: '127.0.0.2' });
  asker.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
  await asker.until(() => asker.answers > 0);
  asker.drop();
}

/** @param {number} count @param {number} port */
async function silent(count, port) {
  const waves = await gather(Math.ceil(count / wave), async (n) => {
    const length = Math.min(wave, count - n * wave);
    const sockets = await Promise.all(Array.from({ length }, () => RawSocket.open(port)));
    await caughtUp(port);
    return sockets;
  });
  return waves.flat();
}

const mostOf = (scale) => Math.max(20, Math.round(1_000 * scale));

export const attack = {
  what: '5,000 silent TCP connections from one address, half of them to each port',
  stoppedBy: 'V20',
  settings: ({ scale }) => ({ MAX_CONNECTIONS_PER_IP: String(mostOf(scale)) }),
  async run({ httpPort, wsPort }, { seconds, scale }) {
    const each = Math.max(60, Math.round(2_500 * scale));
    const sockets = [...(await silent(each, httpPort)), ...(await silent(each, wsPort))];
    const open = () => sockets.filter(({ isOpen }) => isOpen).length;
    // Twice what it may have of WebSockets, on each port.
    await settled('no more are held than an address may have', () => open() <= 4 * mostOf(scale));
    const held = open();
    const left = await outlast(sockets, seconds);
    for (const socket of sockets) socket.drop();
    return { connections: sockets.length, held, 'still open in the end': left };
  },
};
