/** Which ports are open, and to whom. Pure. */
import { mediaPort, serverPorts } from './containers.js';
import type { Opening } from './firewall.js';
import type { Settings, SmallSettings } from './settings.js';

/** Peers are anywhere, and so are those whom they call. */
const everybody = ['0.0.0.0/0'];

/** Of a server alone. With TLS only Caddy's ports: the certificate authority asks on port 80. */
export function serverOpenings({ tls, allowedCidrs }: SmallSettings): readonly Opening[] {
  if (tls === undefined) {
    return [
      { what: 'signaling-http', protocol: 'tcp', from: serverPorts.http, peers: allowedCidrs },
      { what: 'signaling-ws', protocol: 'tcp', from: serverPorts.ws, peers: allowedCidrs },
    ];
  }
  return [
    { what: 'https', protocol: 'tcp', from: 443, peers: allowedCidrs },
    { what: 'http', protocol: 'tcp', from: 80, peers: everybody },
  ];
}

export function turnOpenings(turn: NonNullable<Settings['turn']>): readonly Opening[] {
  const { port, tlsPort, relayMinPort, relayMaxPort } = turn;
  const both = ['tcp', 'udp'] as const;
  return [
    ...both.map((protocol) => ({ what: 'turn', protocol, from: port, peers: everybody })),
    ...(tlsPort === undefined
      ? []
      : both.map((protocol) => ({ what: 'turn-tls', protocol, from: tlsPort, peers: everybody }))),
    { what: 'relay', protocol: 'udp', from: relayMinPort, to: relayMaxPort, peers: everybody },
  ];
}

/** `servers`: the security group of those who give it orders, when they are on other hosts. */
export function mediaOpenings(media: NonNullable<Settings['media']>, servers?: string): readonly Opening[] {
  const { minPort: from, maxPort: to } = media;
  return [
    ...(servers === undefined
      ? []
      : [{ what: 'orders', protocol: 'tcp' as const, from: mediaPort, peers: { group: servers } }]),
    { what: 'media', protocol: 'udp', from, to, peers: everybody },
    { what: 'media', protocol: 'tcp', from, to, peers: everybody },
  ];
}
