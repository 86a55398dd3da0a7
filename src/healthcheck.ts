/** What a container runtime asks now and then: does the program that runs here answer? */
import { get } from 'node:http';

/**
 * Resolves to `healthy`, or to why it is not. Never rejects. Only loopback and the program's own address are asked, and
 * no redirect is followed. Not by `fetch`, to which ports that were once others' (6000, 10080) are barred.
 */
export function healthOf(url: string, withinMs: number): Promise<string> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(withinMs);
    get(url, { signal, agent: false }, (response) => {
      const { statusCode = 0 } = response;
      response.destroy();
      resolve(statusCode >= 200 && statusCode < 300 ? 'healthy' : `answers ${statusCode}`);
    }).on('error', () => {
      resolve(signal.aborted ? `does not answer within ${withinMs} ms` : 'does not answer');
    });
  });
}

/** Where a program that listens at `host` can be asked from its own machine. */
export function askedAt(host: string, port: number, path: string): string {
  const own = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${own.includes(':') ? `[${own}]` : own}:${port}${path}`;
}
