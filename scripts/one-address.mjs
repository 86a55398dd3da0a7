/**
 * Load comes from one address, so what is counted by address is off; what is counted by message is on, as in
 * production, and set so high that it is checked and never reached.
 */
export const oneAddress = {
  MAX_CONNECTIONS_PER_IP: '0',
  RATE_UPGRADES_PER_IP: '0',
  RATE_SIGNINS_PER_IP: '0',
  RATE_ROOMS_PER_IP: '0',
  RATE_ICE_PER_IP: '0',
  RATE_BAD_TOKENS_PER_IP: '0',
  RATE_MESSAGES_PER_SESSION: '1000000',
  RATE_MESSAGES_PER_USER: '1000000',
};
