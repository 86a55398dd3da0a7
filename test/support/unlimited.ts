/** Tests that are not about limits come from one address, as often as they like. */
export const unlimited = {
  MAX_CONNECTIONS_PER_IP: '0',
  RATE_UPGRADES_PER_IP: '0',
  RATE_MESSAGES_PER_SESSION: '0',
  RATE_MESSAGES_PER_USER: '0',
  RATE_CHATS_PER_SESSION: '0',
  RATE_SIGNINS_PER_IP: '0',
  RATE_ROOMS_PER_IP: '0',
  RATE_ICE_PER_IP: '0',
  RATE_BAD_TOKENS_PER_IP: '0',
} as const;
