import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

export interface UpgradeRefusal {
  readonly status: number;
  /** For whoever reads it: what is wrong, and what to do. */
  readonly text: string;
  readonly retryAfterMs?: number;
}

/** Answers an upgrade with plain HTTP, and ends the connection. */
export function refuseUpgrade(stream: Duplex, { status, text, retryAfterMs }: UpgradeRefusal): void {
  const body = `${text}\n`;
  // Who came with another version learns which is spoken (RFC 6455 section 4.4).
  const version = status === 400 ? 'Sec-WebSocket-Version: 13\r\n' : '';
  const retry = retryAfterMs === undefined ? '' : `Retry-After: ${Math.ceil(retryAfterMs / 1000)}\r\n`;
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n` +
      `Connection: close\r\n${retry}${version}Content-Type: text/plain; charset=utf-8\r\n` +
      'X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  stream.once('finish', () => {
    stream.destroy();
  });
}
