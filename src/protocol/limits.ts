/** What the server promises a full session, told when it joins. All sizes in bytes, all times in milliseconds. */
export interface Limits {
  readonly maxMessageBytes: number;
  readonly maxOutboxBytes: number;
  readonly maxPeersPerRoom: number;
  /** Signals and other requests, sustained, and at once on top; 0: no limit. */
  readonly messagesPerSecond: number;
  readonly messageBurst: number;
  /** The same over all sessions of one user. */
  readonly userMessagesPerSecond: number;
  readonly maxConnectionsPerIp: number;
  /** By address. */
  readonly signInsPerMinute: number;
  readonly roomsPerMinute: number;
  readonly iceRequestsPerMinute: number;
  readonly badTokensPerMinute: number;
  /** Of a session, sustained; ten times as many at once. 0: no limit. */
  readonly chatsPerSecond: number;
  readonly maxChatChars: number;
}
