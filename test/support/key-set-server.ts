import { createPublicKey, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Serves a JSON Web Key Set that a test can change, break or withhold. */
export class KeySetServer {
  requests = 0;
  lastAuthorization: string | undefined;
  /** Instead of the set. */
  answer: { readonly status: number; readonly body: string } | 'never' | undefined;

  private readonly server = createServer((request, response) => {
    this.requests += 1;
    this.lastAuthorization = request.headers.authorization;
    if (this.answer === 'never') return;
    const { status, body } = this.answer ?? { status: 200, body: this.text() };
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });

  private constructor(public keys: Readonly<Record<string, KeyObject>>) {}

  static async start(keys: Readonly<Record<string, KeyObject>>): Promise<KeySetServer> {
    const keySet = new KeySetServer(keys);
    keySet.server.listen(0, '127.0.0.1');
    await once(keySet.server, 'listening');
    return keySet;
  }

  get uri(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}/jwks.json`;
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  private text(): string {
    const keys = Object.entries(this.keys).map(([kid, key]) => ({
      ...createPublicKey(key).export({ format: 'jwk' }),
      kid,
      use: 'sig',
    }));
    return JSON.stringify({ keys });
  }
}
