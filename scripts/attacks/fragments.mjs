/** Messages in pieces that never come to an end. */
import { opcodes, rawFrame } from './raw-socket.mjs';
import { gather, outlast, patienceS, seated, tally } from './swarm.mjs';

const start = rawFrame(opcodes.text, Buffer.from('{'), { isLast: false });
const empty = rawFrame(opcodes.continuation, Buffer.alloc(0), { isLast: false });
const tiny = rawFrame(opcodes.continuation, Buffer.from(' '), { isLast: false });
const large = rawFrame(opcodes.continuation, Buffer.alloc(65_000, 0x20), { isLast: false });

export const attack = {
  what: 'from peers in a room: messages in fragments of 0, 1 and 65,000 bytes without end, and orphaned continuations',
  stoppedBy: 'V25, T2',
  async run(target, { scale }) {
    const each = Math.max(2, Math.round(30 * scale));
    const groups = [];
    for (const [name, piece, count] of [
      ['empty', empty, 20_000],
      ['tiny', tiny, 20_000],
      ['large', large, 40],
    ]) {
      const sockets = await gather(each, (n) => seated(target, `${name}-${n}`));
      for (const socket of sockets) {
        socket.write(start);
        socket.write(Buffer.concat(Array.from({ length: count }, () => piece)));
      }
      groups.push(sockets);
    }
    const orphans = await gather(each, (n) => seated(target, `orphan-${n}`));
    for (const socket of orphans) socket.write(tiny);
    const all = [...groups.flat(), ...orphans];
    const left = await outlast(all, patienceS);
    for (const socket of all) socket.drop();
    return {
      sockets: all.length,
      ...named(tally(all.map(({ closeCode }) => closeCode))),
      'still open': left,
    };
  },
};

const named = (codes) =>
  Object.fromEntries(Object.entries(codes).map(([code, count]) => [`closed ${code}`, count]));
