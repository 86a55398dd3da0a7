/** Requests as fast as they are answered, eight at a time on each connection, from addresses that are made up. */
import { RawSocket } from './raw-socket.mjs';
import { gather, repeat, tally } from './swarm.mjs';

const inFlight = 8;

export const attack = {
  what: 'requests on 20 keep-alive connections, 8 pipelined, each from another made-up X-Forwarded-For',
  stoppedBy: 'L6',
  settings: ({ isCounted }) => (isCounted ? { RATE_SIGNINS_PER_IP: '20', RATE_ROOMS_PER_IP: '20' } : {}),
  async run({ httpPort }, terms) {
    const statuses = [];
    let made = 0;
    const sockets = await gather(20, () => RawSocket.open(httpPort));
    await Promise.all(
      sockets.map((socket, at) =>
        repeat(1, terms, 5, async () => {
          const path = at % 2 === 0 ? '/anonymous-signin' : '/create-room';
          const lines = Array.from({ length: inFlight }, () => {
            made += 1;
            return `POST ${path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.${(made >> 16) & 255}.${(made >> 8) & 255}.${made & 255}\r\nContent-Length: 0\r\n\r\n`;
          });
          const before = socket.answers;
          socket.write(lines.join(''));
          await socket.until(() => socket.answers >= before + inFlight);
        }),
      ),
    );
    for (const socket of sockets) {
      statuses.push(...socket.statuses);
      socket.drop();
    }
    const { 200: allowed = 0, 429: refused = 0 } = tally(statuses);
    const others = statuses.length - allowed - refused;
    return { requests: made, 200: allowed, 429: refused, 'answered otherwise': others };
  },
};
