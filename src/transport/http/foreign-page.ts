import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { isFrom, parseTrustedProxies, type TrustedProxies } from '../client-address.js';
import { isOriginAllowed } from '../ws/origin.js';

const loopback = parseTrustedProxies(['loopback']);

/**
 * Was a browser made to ask this by somebody else's page? Where an address alone opens a door, the operator's own
 * browser is the burglar's way in: a foreign page may fetch what this machine can reach, and a name that is pointed to
 * 127.0.0.1 (DNS rebinding) makes its page ours in the browser's eyes. A link is no harm: its page cannot be read.
 */
export function isForeignPage(request: IncomingMessage, trusted: TrustedProxies): boolean {
  const { origin, host } = request.headers;
  const site = request.headers['sec-fetch-site'];
  const isFetched = site !== undefined && request.headers['sec-fetch-mode'] !== 'navigate';
  if (isFetched && site !== 'same-origin' && site !== 'none') return true;
  if (!isOriginAllowed(origin, host, [])) return true;
  return isFrom(request, trusted, loopback) && !isOwnName(host);
}

/** A name that no stranger can point anywhere: an address, or the machine's own. */
function isOwnName(host = ''): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return isIP(name) !== 0 || /^([\w-]+\.)*localhost$/i.test(name);
}
