/** Pings without end, whose answers are not read; pongs that nobody asked for. */
import { RawSocket, opcodes, rawFrame } from './raw-socket.mjs';
import { gather, pause, repeat, seated } from './swarm.mjs';

const volley = (opcode) =>
  Buffer.concat(Array.from({ length: 5_000 }, () => rawFrame(opcode, Buffer.alloc(125))));

export const attack = {
  what: 'pings and pongs of 125 bytes as fast as they go, from 10 peers in a room and 10 that have not joined, none of which reads',
  stoppedBy: 'V26',
  async run(target, terms) {
    const sockets = [
      ...(await gather(10, (n) => seated(target, `pinger-${n}`))),
      ...(await gather(10, () => RawSocket.upgrade(target.wsPort))),
    ];
    const volleys = [volley(opcodes.ping), volley(opcodes.pong)];
    for (const socket of sockets) socket.stopReading();
    let sent = 0;
    await Promise.all(
      sockets.map((socket, at) =>
        repeat(1, terms, 3, async () => {
          if (!socket.isWritable) return pause(100);
          socket.write(volleys[at % 2]);
          sent += 5_000;
          await Promise.race([socket.drained(), pause(200)]);
        }),
      ),
    );
    const open = sockets.filter(({ isOpen }) => isOpen).length;
    for (const socket of sockets) socket.drop();
    return { frames: sent, sockets: sockets.length, 'still open': open };
  },
};
