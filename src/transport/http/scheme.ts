import type { IncomingMessage } from 'node:http';
import { isTrustedPeer, type TrustedProxies } from '../client-address.js';

/** Did the client come by TLS, as a trusted proxy says? With several in a row each must say it. */
export function isSecure({ socket, headers }: IncomingMessage, trusted: TrustedProxies): boolean {
  const said = headers['x-forwarded-proto'];
  if (typeof said !== 'string' || !isTrustedPeer(socket, trusted)) return false;
  return said.split(',').every((scheme) => scheme.trim().toLowerCase() === 'https');
}
