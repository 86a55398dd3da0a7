/** Who may read the metrics: who comes from the operator's networks, or shows the key. */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv4 } from 'node:net';

const loopbackNetworks = ['127.0.0.0/8', '::1'];
const isLoopback = parseNetworks(['loopback']);
const forwardingHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'];

/** Addresses, networks such as 10.0.0.0/8, or `loopback`. Throws an `Error` that quotes the bad entry. */
export function parseNetworks(list: readonly string[]): (address: string) => boolean {
  const networks = new BlockList();
  for (const entry of list.flatMap((each) => (each === 'loopback' ? loopbackNetworks : [each]))) {
    add(networks, entry);
  }
  return (address) => isIP(address) !== 0 && networks.check(address, family(address));
}

/**
 * Comes the request itself from there? What was forwarded comes from wherever, and what a browser asks by a name that
 * is no address may be a foreign page's (DNS rebinding).
 */
export function isFromNetwork(
  { headers, socket }: IncomingMessage,
  networks: (address: string) => boolean,
): boolean {
  if (forwardingHeaders.some((name) => headers[name] !== undefined)) return false;
  if (headers['sec-fetch-site'] !== undefined || headers.origin !== undefined) return false;
  const address = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '');
  if (isLoopback(address) && !/^([\d.]+|\[[\d:a-f.]+\]|localhost)(:\d+)?$/i.test(headers.host ?? ''))
    return false;
  return networks(address);
}

/** The key as `Authorization: Bearer`, which is what a Prometheus can send. */
export function bearerKey({ headers }: IncomingMessage): string | undefined {
  return /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
}

function add(networks: BlockList, entry: string): void {
  const [address = '', bits, ...more] = entry.split('/');
  const most = isIPv4(address) ? 32 : 128;
  const prefix = bits === undefined ? most : Number(/^\d{1,3}$/.test(bits) ? bits : NaN);
  if (isIP(address) === 0 || more.length > 0 || !(prefix >= 1 && prefix <= most)) {
    throw new Error(`"${entry}" is no address, CIDR range (10.0.0.0/8) or loopback`);
  }
  networks.addSubnet(address, prefix, family(address));
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}
