import { ClientError, systemCode } from './client-error.js';

/** The Python server may take 13 s to say that its identity service is down. */
const timeoutMs = 20_000;

export interface SignedIn {
  readonly idToken: string;
  readonly username: string;
}

export interface CreatedRoom {
  readonly roomId: string;
  readonly token: string;
}

/** The server's HTTP side. Every failure is a ClientError `server` with a remedy. */
export class RestClient {
  readonly #base: string;

  /** @param base for instance `http://127.0.0.1:8001` */
  constructor(base: string) {
    this.#base = base.replace(/(?<!\/)\/+$/, '');
  }

  async signIn(): Promise<SignedIn> {
    const reply = await this.#post('/anonymous-signin');
    return { idToken: text(reply, 'id_token'), username: text(reply, 'username') };
  }

  async createRoom(idToken: string): Promise<CreatedRoom> {
    const reply = await this.#post('/create-room', { authorization: `Bearer ${idToken}` });
    return { roomId: text(reply, 'room_id'), token: text(reply, 'token') };
  }

  /**
   * Deletes all users of the peer's room, and the room. The peer's socket may be closed already. The token goes along
   * only where the server asks for it: a worker's may have expired, and most servers do not want any.
   */
  async deletePeersAndRoom(peerId: string, idToken: string): Promise<void> {
    const response = await this.#delete('/delete-peers-and-room', peerId, idToken);
    await readReply('/delete-peers-and-room', response);
  }

  /** Deletes this peer's user and leaves the room. Servers before v2.0 cannot do that: `false`. */
  async deletePeer(peerId: string, idToken: string): Promise<boolean> {
    const response = await this.#delete('/delete-peer', peerId, idToken);
    await response.body?.cancel();
    return response.ok;
  }

  async #delete(path: string, peerId: string, idToken: string): Promise<Response> {
    const response = await this.#request(path, { peer_id: peerId }, {});
    if (response.status !== 401) return response;
    await response.body?.cancel();
    return this.#request(path, { peer_id: peerId }, { authorization: `Bearer ${idToken}` });
  }

  async #post(path: string, headers: Record<string, string> = {}): Promise<Record<string, unknown>> {
    return readReply(path, await this.#request(path, {}, headers));
  }

  async #request(path: string, body: object, headers: Record<string, string>): Promise<Response> {
    try {
      return await fetch(this.#base + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (error) {
      const why = systemCode(error) ?? (error instanceof Error ? error.message : 'no answer');
      throw new ClientError(
        'server',
        `cannot reach ${this.#base} (${why})`,
        'is the server running? set --http',
        {
          cause: error,
        },
      );
    }
  }
}

const remedyFor = (status: number): string =>
  status >= 500
    ? 'the server or a service behind it is in trouble: try again later'
    : 'is --http the signaling server?';

async function readReply(path: string, response: Response): Promise<Record<string, unknown>> {
  const reply = await readObject(response);
  if (response.ok) return reply;
  const detail = typeof reply['detail'] === 'string' ? `: ${reply['detail'].slice(0, 200)}` : '';
  const reason = `the server refused ${path} with ${String(response.status)}${detail}`;
  throw new ClientError('server', reason, remedyFor(response.status));
}

async function readObject(response: Response): Promise<Record<string, unknown>> {
  const body = await response.text();
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch (error) {
    if (!response.ok) return { detail: body };
    throw new ClientError('server', 'the answer is not JSON', 'is --http the signaling server?', {
      cause: error,
    });
  }
}

function text(reply: Record<string, unknown>, key: string): string {
  const value = reply[key];
  if (typeof value === 'string' && value !== '') return value;
  throw new ClientError('server', `the answer has no ${key}`, 'is --http the signaling server?');
}
