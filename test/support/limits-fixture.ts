import type { Limits } from '../../src/protocol/limits.js';

/** Each of them another number, so that none can stand for another. */
export const limits: Limits = {
  maxMessageBytes: 1,
  maxOutboxBytes: 2,
  maxPeersPerRoom: 3,
  messagesPerSecond: 4,
  messageBurst: 5,
  userMessagesPerSecond: 6,
  maxConnectionsPerIp: 7,
  signInsPerMinute: 8,
  roomsPerMinute: 9,
  iceRequestsPerMinute: 10,
  badTokensPerMinute: 11,
  chatsPerSecond: 12,
  maxChatChars: 13,
};
