import { connect } from 'node:net';

/** An answer as it was on the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Names and values exactly as they came, without those that every answer has (test/security/headers.test.ts). */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

const ownHeaders = new Set([
  ...['Date', 'Connection', 'Keep-Alive', 'Cache-Control', 'Permissions-Policy'],
  ...['Content-Security-Policy', 'Cross-Origin-Opener-Policy', 'Cross-Origin-Resource-Policy'],
  ...['Referrer-Policy', 'X-Content-Type-Options', 'X-Frame-Options'],
]);

/** The bytes of a request that asks the server to close after it. */
export function bytesOf(port: number, { method = 'POST', path, headers = {}, body }: RawRequest): Buffer {
  const payload = Buffer.from(body ?? '');
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `host: 127.0.0.1:${String(port)}`,
    'connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined ? [] : [`content-length: ${String(payload.length)}`]),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), payload]);
}

/** Sends the bytes on a connection of their own and resolves with all that comes back until it ends. */
export function exchange(port: number, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => {
      socket.end();
      resolve(Buffer.concat(chunks));
    });
    socket.on('error', reject);
    socket.write(bytes);
  });
}

export function parseAnswer(bytes: Buffer): RawAnswer {
  const text = bytes.toString('latin1');
  const headEnd = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const pairs = lines.map((line): [string, string] => {
    const colon = line.indexOf(': ');
    return colon < 0 ? [line.replace(/:$/, ''), ''] : [line.slice(0, colon), line.slice(colon + 2)];
  });
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: Object.fromEntries(pairs.filter(([name]) => !ownHeaders.has(name))),
    body: bytes.subarray(headEnd + 4).toString('utf8'),
  };
}

/** One request on a connection of its own, and its answer. */
export async function ask(port: number, request: RawRequest): Promise<RawAnswer> {
  return parseAnswer(await exchange(port, bytesOf(port, request)));
}
