import { asClientError } from './client-error.js';
import { Refusal } from './refusal.js';
import { RestClient, type CreatedRoom, type SignedIn } from './rest-client.js';
import type { RoomSession } from './session-string.js';
import { SignalingClient, type Signal } from './signaling-client.js';

export interface ServerAddress {
  readonly httpUrl: string;
  readonly wsUrl: string;
  /** Bound for the connection and for the answer to the registration. */
  readonly timeoutMs: number;
}

/** A signed-in user that is registered in a room, from the sign-in to the deletion of what it made. */
export class RoomMember {
  /** The fields of the server's answer, which is what the Python workers make their session strings of. */
  readonly session: RoomSession;
  readonly #rest: RestClient;
  readonly #signaling: SignalingClient;
  readonly #identity: SignedIn;
  readonly #timeoutMs: number;

  private constructor(
    rest: RestClient,
    signaling: SignalingClient,
    membership: { readonly session: RoomSession; readonly identity: SignedIn; readonly timeoutMs: number },
  ) {
    this.#rest = rest;
    this.#signaling = signaling;
    this.session = membership.session;
    this.#identity = membership.identity;
    this.#timeoutMs = membership.timeoutMs;
  }

  /**
   * Signs in and registers under the username, in the given room or else in a new one.
   * @throws ClientError `server` or `room`; what was made until then is deleted again
   */
  static async join(
    address: ServerAddress,
    onSignal: (signal: Signal) => void,
    room?: CreatedRoom,
  ): Promise<RoomMember> {
    const rest = new RestClient(address.httpUrl);
    const { idToken, username } = await rest.signIn();
    let signaling: SignalingClient | undefined;
    try {
      const { roomId, token } = room ?? (await rest.createRoom(idToken));
      const { wsUrl, timeoutMs } = address;
      signaling = await SignalingClient.connect(wsUrl, timeoutMs, onSignal);
      const session = await signaling.register({ roomId, token, peerId: username }, idToken, timeoutMs);
      return new RoomMember(rest, signaling, { session, identity: { idToken, username }, timeoutMs });
    } catch (error) {
      await signaling?.close();
      // The first reason is the one to tell, whether or not the clean-up works.
      await leaveOverHttp(rest, { idToken, username }, room === undefined ? 'room' : 'peer').catch(
        asClientError,
      );
      throw error;
    }
  }

  /** Resolves when the server ended the membership. */
  get lost(): SignalingClient['lost'] {
    return this.#signaling.lost;
  }

  /** Sends an offer or answer, with further fields that the server forwards untouched. */
  signal(type: 'offer' | 'answer', target: string, sdp: string, fields: Record<string, unknown>): void {
    this.#signaling.send({ type, sender: this.session.peerId, target, sdp, ...fields });
  }

  /** Registers once more, which the server answers as before while the room exists. Unclear answers count as yes. */
  async isRoomThere(): Promise<boolean> {
    try {
      await this.#signaling.register(this.session, this.#identity.idToken, this.#timeoutMs);
      return true;
    } catch (error) {
      return !(error instanceof Refusal) || error.code === 'INVALID_TOKEN';
    }
  }

  /**
   * Closes the socket, then deletes over HTTP: the order that S3's peers have.
   * @param what `room`: all users of the room, and the room; `peer`: this user only, where the server can do that
   */
  async leave(what: 'room' | 'peer'): Promise<void> {
    await this.#signaling.close();
    await leaveOverHttp(this.#rest, this.#identity, what);
  }
}

async function leaveOverHttp(rest: RestClient, who: SignedIn, what: 'room' | 'peer'): Promise<void> {
  if (what === 'peer' && (await rest.deletePeer(who.username, who.idToken))) return;
  await rest.deletePeersAndRoom(who.username, who.idToken);
}
