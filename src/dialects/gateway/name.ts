/** The gateway dialect's name, as frames carry it. */
export const gatewayName = 'gateway';
