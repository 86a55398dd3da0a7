import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4, isIPv6 } from 'node:net';
import proxyAddr from 'proxy-addr';

/** Is it one of the proxies whose word about their clients is believed? */
export type TrustedProxies = (address: string) => boolean;

/** RFC 7239's, and what proxies wrote before it. */
const forwardingHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'] as const;
const rangeNames: readonly string[] = ['loopback', 'linklocal', 'uniquelocal'];

/**
 * Addresses, CIDR ranges, or `loopback`, `linklocal`, `uniquelocal`. An empty list trusts nobody. Throws an `Error` that
 * quotes the bad entry.
 */
export function parseTrustedProxies(list: readonly string[]): TrustedProxies {
  for (const entry of list) check(entry);
  const isTrusted = proxyAddr.compile([...list]);
  return (address) => isTrusted(address, 0);
}

/**
 * Whom a request is from, as a key to count by: an IPv4 address as it is, of an IPv6 address its /64, which is what
 * one subscriber has (RFC 6177). `X-Forwarded-For` is believed as far as trusted proxies wrote it; where they wrote
 * something else than an address, their own counts. `unknown` when the socket is already gone. Never throws.
 */
export function clientAddress(request: IncomingMessage, trusted: TrustedProxies): string {
  // The socket's own address first, then what the proxies say, as far as they are trusted, and one beyond.
  const hops = proxyAddr.all(request, (address) => trusted(bare(address)));
  for (const hop of hops.reverse()) {
    const key = keyOf(bare(hop));
    if (key !== undefined) return key;
  }
  return 'unknown';
}

/** Who holds the other end of a connection, as a key to count by, like `clientAddress`, whatever it says for whom. */
export function subscriberOf({ remoteAddress }: { readonly remoteAddress?: string | undefined }): string {
  return keyOf(bare(remoteAddress)) ?? 'unknown';
}

/** Is who holds the other end of the connection a proxy of ours? */
export function isTrustedPeer(
  { remoteAddress }: { readonly remoteAddress?: string | undefined },
  trusted: TrustedProxies,
): boolean {
  const own = bare(remoteAddress);
  return own !== '' && trusted(own);
}

/**
 * Is the client in one of these networks? Only as far as it can be known: a request that somebody forwarded who is no
 * trusted proxy of ours comes from nowhere, and so does one whose trusted proxy says in another header than
 * `X-Forwarded-For` for whom it asks.
 */
export function isFrom(request: IncomingMessage, trusted: TrustedProxies, networks: TrustedProxies): boolean {
  const isForwarded = forwardingHeaders.some((name) => request.headers[name] !== undefined);
  const isNamed = request.headers['x-forwarded-for'] !== undefined;
  if (isForwarded && !(isNamed && isTrustedPeer(request.socket, trusted))) return false;
  const client = bare(proxyAddr.all(request, (address) => trusted(bare(address))).at(-1));
  return isIP(client) !== 0 && networks(client);
}

function check(entry: string): void {
  if (rangeNames.includes(entry)) return;
  try {
    // proxy-addr takes `1` for 0.0.0.1, where somebody meant a number of proxies.
    if (isIP(entry.split('/', 1)[0] ?? '') === 0) throw new Error('no address');
    proxyAddr.compile(entry);
  } catch (cause) {
    const text = `"${entry}" is no address, CIDR range (10.0.0.0/8) or one of ${rangeNames.join(', ')}`;
    throw new Error(text, { cause });
  }
}

/** Some proxies write the port too: `1.2.3.4:5678`, `[2001:db8::1]:5678`. */
function bare(address: string | undefined): string {
  const match = /^\[([^\]]*)\](?::\d+)?$|^([\d.]+):\d+$/.exec(address ?? '');
  return match?.[1] ?? match?.[2] ?? address ?? '';
}

function keyOf(address: string): string | undefined {
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return undefined;
  const groups = groupsOf(address);
  const [high, low] = groups.slice(6);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return [high, low].map((group = 0) => `${group >> 8}.${group & 0xff}`).join('.');
  }
  const prefix = groups.slice(0, 4).map((group) => group.toString(16));
  return `${canonical(`${prefix.join(':')}::`)}/64`;
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): readonly number[] {
  const [left = '', right = ''] = canonical(address.split('%', 1)[0] ?? '').split('::');
  const [head, tail] = [left, right].map((side) => side.split(':').filter((group) => group !== ''));
  const given = [...(head ?? []), ...(tail ?? [])];
  const zeros = Array.from({ length: 8 - given.length }, () => '0');
  return [...(head ?? []), ...zeros, ...(tail ?? [])].map((group) => Number.parseInt(group, 16));
}

/** As the URL standard spells it (RFC 5952): lower case, short, nothing dotted. */
function canonical(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
