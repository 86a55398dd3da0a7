/** Headers, addresses and bodies that are too much of everything. */
import { gzipSync } from 'node:zlib';
import { RawSocket, upgradeRequest } from './raw-socket.mjs';
import { repeat } from './swarm.mjs';

const head = (lines, body = '') =>
  Buffer.concat([Buffer.from([...lines, '', ''].join('\r\n'), 'latin1'), Buffer.from(body)]);
const post = (headers, body) =>
  head(
    [
      'POST /delete-peer HTTP/1.1',
      'Host: x',
      'Connection: close',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...headers,
    ],
    body,
  );
const json = 'Content-Type: application/json';
const chunk = `${(65_536).toString(16)}\r\n${'x'.repeat(65_536)}\r\n`;

/** @type {Record<string, (target: { wsPort: number }) => { bytes: Buffer | string, port?: 'wsPort' }>} */
const kinds = {
  'a header of 1 MiB': () => ({
    bytes: head(['GET / HTTP/1.1', 'Host: x', `X-A: ${'a'.repeat(1_048_576)}`]),
  }),
  '10,000 headers': () => ({
    bytes: head(['GET / HTTP/1.1', ...Array.from({ length: 10_000 }, (_, n) => `X-${n}: a`)]),
  }),
  'an address of 64 KiB': () => ({ bytes: head([`GET /${'a'.repeat(65_536)} HTTP/1.1`, 'Host: x']) }),
  '16,000 slashes': () => ({
    bytes: head([`GET ${'/'.repeat(16_000)}x HTTP/1.1`, 'Host: x', 'Connection: close']),
  }),
  '5,000 parameters at an upgrade': ({ wsPort }) => ({
    bytes: upgradeRequest(wsPort, `/signal/x?${'a=1&'.repeat(3_900)}`, ['Connection: close']),
    port: 'wsPort',
  }),
  'a gzip bomb of 10 MiB': () => ({
    bytes: post([json, 'Content-Encoding: gzip'], gzipSync(Buffer.alloc(10_485_760))),
  }),
  'a deflate bomb as a transfer coding': () => ({
    bytes: head(
      [
        'POST /delete-peer HTTP/1.1',
        'Host: x',
        json,
        'Transfer-Encoding: gzip, chunked',
        'Connection: close',
      ],
      '1\r\nx\r\n0\r\n\r\n',
    ),
  }),
  'an announced body of 1 GiB': () => ({
    bytes: head(
      ['POST /delete-peer HTTP/1.1', 'Host: x', json, 'Content-Length: 1073741824'],
      'x'.repeat(2_000_000),
    ),
  }),
  'chunks without end': () => ({
    bytes: head(
      ['POST /delete-peer HTTP/1.1', 'Host: x', json, 'Transfer-Encoding: chunked'],
      chunk.repeat(40),
    ),
  }),
  '64 KiB of brackets': () => ({ bytes: post([json], '['.repeat(65_000)) }),
  '64 KiB of keys': () => ({
    bytes: post([json], `{${Array.from({ length: 5_000 }, (_, n) => `"${n}":1`).join(',')}}`),
  }),
  '16 KiB of forwarders': () => ({
    bytes: head([
      'POST /anonymous-signin HTTP/1.1',
      'Host: x',
      `X-Forwarded-For: ${'1.1.1.1,'.repeat(1_900)}`,
      'Connection: close',
      'Content-Length: 0',
    ]),
  }),
};

export const attack = {
  what: `${Object.keys(kinds).join(', ')}: in turn, eight at a time`,
  stoppedBy: 'V24, V28',
  settings: () => ({ TRUSTED_PROXIES: 'loopback' }),
  async run(target, terms) {
    const got = {};
    const entries = Object.entries(kinds).map(([kind, make]) => [kind, make(target)]);
    const sent = await repeat(8, terms, entries.length, async (n) => {
      const [, { bytes, port = 'httpPort' }] = entries[n % entries.length];
      const socket = await RawSocket.open(target[port]);
      socket.write(bytes);
      await socket.closed;
      got[socket.status] = (got[socket.status] ?? 0) + 1;
    });
    const { 0: cut = 0, ...statuses } = got;
    return { requests: sent, ...statuses, cut };
  },
};
