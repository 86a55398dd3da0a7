/** Large messages of which the last byte never comes, on as many sockets as an address may have. */
import { opcodes, rawFrame } from './raw-socket.mjs';
import { gather, pause, seated } from './swarm.mjs';

export const attack = {
  what: 'peers in a room that hold back the last byte of a message of 1 MiB, half of them in fragments; MAX_WAITING_BYTES is 64 MiB',
  stoppedBy: 'V27',
  settings: () => ({ MAX_WAITING_BYTES: '67108864' }),
  async run(target, { seconds, scale }) {
    const count = Math.max(20, Math.round(200 * scale));
    const sockets = await gather(count, (n) => seated(target, `half-${n}`));
    const whole = rawFrame(opcodes.text, Buffer.alloc(1_048_000, 0x20)).subarray(0, -1);
    const piece = rawFrame(opcodes.continuation, Buffer.alloc(65_000, 0x20), { isLast: false });
    const start = rawFrame(opcodes.text, Buffer.from('{'), { isLast: false });
    const parts = Buffer.concat([start, ...Array.from({ length: 15 }, () => piece)]);
    for (const [n, socket] of sockets.entries()) {
      socket.write(n % 2 === 0 ? whole : parts);
      await socket.drained();
    }
    await pause(seconds * 1000);
    const open = sockets.filter(({ isOpen }) => isOpen).length;
    for (const socket of sockets) socket.drop();
    return { sockets: count, 'MiB sent': count, 'still open': open };
  },
};
