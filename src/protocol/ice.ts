/** One entry of `RTCConfiguration.iceServers` (W3C WebRTC section 4.2.4). */
export interface IceServer {
  /** `stun:`, `turn:` or `turns:` addresses (RFC 7064, RFC 7065). */
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** What a peer needs to find a way to another, and for how long. */
export interface IceConfig {
  readonly servers: readonly IceServer[];
  /** Only through a relay, or any way. */
  readonly transportPolicy: 'all' | 'relay';
  /** When the credentials end, unix milliseconds; absent when there are none. */
  readonly expiresAtMs?: number;
  /** How long they live from when they were made; absent when there are none. */
  readonly ttlS?: number;
}
