/** WebSockets that are opened and then not used as such. */
import { RawSocket, opcodes, rawFrame } from './raw-socket.mjs';
import { gather, outlast, patienceS, seated, tally } from './swarm.mjs';

export const attack = {
  what: 'WebSockets that never join, that say FIN and stay, that neither read nor answer pings, and that sit in a room and vanish',
  stoppedBy: 'T1, T4',
  // Others must be able to answer within that time, on any machine.
  settings: () => ({ PING_MS: '10000' }),
  isSlow: true,
  async run(target, { scale }) {
    const each = Math.max(5, Math.round(200 * scale));
    const { wsPort } = target;
    const silent = await gather(each, () => RawSocket.upgrade(wsPort));
    const finished = await gather(each, () => RawSocket.upgrade(wsPort, { allowHalfOpen: true }));
    const pinging = await gather(each, () => RawSocket.upgrade(wsPort));
    const vanished = await gather(Math.min(each, 200), (n) => seated(target, `gone-${n}`));
    for (const socket of finished) socket.end();
    // Traffic of this kind does not put the deadline off.
    for (const socket of pinging) socket.write(rawFrame(opcodes.ping));
    // They answer no ping.
    const all = [...silent, ...finished, ...pinging, ...vanished];
    const left = await outlast(all, patienceS);
    for (const socket of all) socket.drop();
    const codes = tally([...silent, ...pinging].map(({ closeCode }) => closeCode));
    return { sockets: all.length, 'closed 4408': codes[4408] ?? 0, 'still open': left };
  },
};
