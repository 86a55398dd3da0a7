/** Thousands of requests in one piece, whose answers are never read. */
import { RawSocket } from './raw-socket.mjs';
import { repeat, gather, settled } from './swarm.mjs';

export const attack = {
  what: '200 connections that pipeline 2,000 requests at once, or one after another, and read no answer',
  stoppedBy: 'V23, V22',
  async run({ httpPort }, terms) {
    const { scale } = terms;
    const one = 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n';
    const atOnce = await gather(Math.ceil(100 * scale), () => RawSocket.open(httpPort));
    const slowly = await gather(Math.ceil(100 * scale), () => RawSocket.open(httpPort));
    for (const socket of [...atOnce, ...slowly]) socket.stopReading();
    for (const socket of atOnce) socket.write(one.repeat(2_000));
    await repeat(1, terms, 20, async () => {
      for (const socket of slowly) for (let n = 0; n < 20; n += 1) socket.write(one);
      await new Promise((resolve) => setTimeout(resolve, 5));
    });
    // A client that does not read does not see its end: it is told on its next write.
    await settled('those that asked all at once are cut', () => {
      const left = atOnce.filter((socket) => socket.isOpen);
      for (const socket of left) socket.write(one);
      return left.length === 0;
    });
    return {
      connections: atOnce.length + slowly.length,
      'cut of those at once': atOnce.filter((socket) => !socket.isOpen).length,
    };
  },
};
