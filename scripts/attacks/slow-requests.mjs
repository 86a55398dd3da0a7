/** Slow-loris: requests that never end, a few bytes at a time, and bodies without an end. */
import { RawSocket } from './raw-socket.mjs';
import { gather, patienceS, pause, tally } from './swarm.mjs';

/** @type {Record<string, { port: 'httpPort' | 'wsPort', first: string, next: string }>} */
const ways = {
  headers: { port: 'httpPort', first: 'GET / HTTP/1.1\r\nHost: x\r\n', next: 'X-A: b\r\n' },
  'headers on the WebSocket port': {
    port: 'wsPort',
    first: 'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n',
    next: 'X-A: b\r\n',
  },
  silence: { port: 'httpPort', first: '', next: '' },
  'announced bodies': {
    port: 'httpPort',
    first:
      'POST /delete-peer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{"',
    next: 'a',
  },
  'chunked bodies': {
    port: 'httpPort',
    first:
      'POST /delete-peer HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    next: '1\r\na\r\n',
  },
};

export const attack = {
  what: 'slow-loris: 200 connections each with headers, on both ports, with bodies and with nothing at all, a byte or a header every half second',
  stoppedBy: 'V22',
  isSlow: true,
  async run(target, { scale }) {
    const each = Math.max(4, Math.round(200 * scale));
    const groups = await Promise.all(
      Object.entries(ways).map(async ([name, way]) => {
        const sockets = await gather(each, () => RawSocket.open(target[way.port]));
        for (const socket of sockets) socket.write(way.first);
        return { name, way, sockets };
      }),
    );
    const all = groups.flatMap(({ sockets }) => sockets);
    // Headers may take 10 s and the whole of a request 20; the server looks every 2. It ends when all are gone.
    const endsAt = performance.now() + patienceS * 1000;
    while (all.some(({ isOpen }) => isOpen) && performance.now() < endsAt) {
      for (const { way, sockets } of groups)
        for (const socket of sockets) if (way.next !== '') socket.write(way.next);
      await pause(500);
    }
    const open = all.filter(({ isOpen }) => isOpen).length;
    const statuses = tally(all.map(({ status }) => status));
    return { connections: all.length, 408: statuses[408] ?? 0, 'still open': open };
  },
};
