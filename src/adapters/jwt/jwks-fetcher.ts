import type { Fetcher } from 'aws-jwt-verify/https';
import { noTelemetry, type Telemetry } from '../../ports/telemetry.js';

/** Cognito's set is 1 KB; the largest public ones are below 20. */
const MAX_BYTES = 256 * 1024;

/** Fetches a key set by `http:` (emulators, sidecars) or `https:`, bounded in time and size. Redirects are followed. */
export class JwksFetcher implements Fetcher {
  constructor(
    private readonly headers: Readonly<Record<string, string>>,
    private readonly timeoutMs: number,
    private readonly telemetry: Telemetry = noTelemetry,
  ) {}

  fetch(uri: string): Promise<ArrayBuffer> {
    return this.telemetry.timed('jwks', 'fetch', () => this.once(uri));
  }

  private async once(uri: string): Promise<ArrayBuffer> {
    const response = await fetch(uri, {
      headers: { accept: 'application/json', ...this.headers },
      signal: AbortSignal.timeout(this.timeoutMs),
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new Error(`the key set's server answered ${String(response.status)}`);
    }
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    // Leaving the loop early cancels the rest of the body.
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > MAX_BYTES) throw new Error(`the key set is larger than ${String(MAX_BYTES)} bytes`);
      chunks.push(chunk);
    }
    return new Uint8Array(Buffer.concat(chunks)).buffer;
  }
}
