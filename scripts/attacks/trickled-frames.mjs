/** Good frames, a byte in each packet. */
import { opcodes, rawFrame, said } from './raw-socket.mjs';
import { gather, repeat, seated } from './swarm.mjs';

export const attack = {
  what: 'frames of peers in a room, large and in fragments too, sent in packets of one byte',
  stoppedBy: 'T7',
  async run(target, terms) {
    const sockets = await gather(20, (n) => seated(target, `slow-${n}`));
    const whole = said({ type: 'heartbeat', padding: 'x'.repeat(300) });
    const large = rawFrame(opcodes.text, Buffer.alloc(100_000, 0x20));
    const parts = Buffer.concat([rawFrame(opcodes.text, Buffer.from('{'), { isLast: false }), large]);
    let bytes = 0;
    await Promise.all(
      sockets.map((socket, n) => {
        const frame = [whole, large, parts][n % 3];
        let at = 0;
        return repeat(1, terms, 20, async () => {
          for (let burst = 0; burst < 50; burst += 1) {
            socket.write(frame.subarray(at, at + 1));
            at = (at + 1) % frame.length;
          }
          bytes += 50;
          await new Promise((resolve) => setImmediate(resolve));
        });
      }),
    );
    for (const socket of sockets) socket.drop();
    return { packets: bytes };
  },
};
