/** One instance with everything on it. */
import {
  mediaContainer,
  mediaPort,
  serverContainer,
  serverPorts,
  serverSecrets,
  turnContainer,
  turnSecrets,
} from './containers.js';
import { mediaOpenings, serverOpenings, turnOpenings } from './openings.js';
import { nameOf } from './names.js';
import type { SmallSettings } from './settings.js';
import { SingleHost, type HostAddress } from './single-host.js';
import { hostBasics, imageByParameter, statementsOf, type Made, type Site } from './site.js';
import { Route53Record } from './terraform.js';
import { renderUserData } from './user-data/render-user-data.js';

export function smallShape(site: Site, settings: SmallSettings): Made {
  const { stack, network, tables, identities } = site;
  const { server, turn, media, tls, redis } = settings;
  const name = nameOf(settings, 'server');
  const secrets = [
    ...new Set([...serverSecrets(settings), ...(turn === undefined ? [] : turnSecrets(turn))]),
  ];
  const script = (address: HostAddress): string =>
    renderUserData({
      ...hostBasics(site, settings, name),
      image: imageByParameter(site),
      server: serverContainer(settings, {
        userPoolId: identities.userPoolId,
        appClientId: identities.appClientId,
        tables: { rooms: tables.rooms.name, users: tables.users.name, chat: tables.chat.name },
        turnIps: [address.publicIp],
        mediaUrls: media === undefined ? [] : [`http://127.0.0.1:${mediaPort}`],
        frontCidrs: [],
      }),
      ...(media !== undefined && { media: mediaContainer(settings, media, address, false) }),
      ...(turn !== undefined && { turn: turnContainer(settings, turn, address) }),
      ...(redis !== undefined && { redis }),
      ...(tls !== undefined && {
        caddy: { image: tls.image, domain: tls.domain, ...(tls.email !== undefined && { email: tls.email }) },
      }),
    });
  const host = new SingleHost(
    stack,
    'server',
    {
      name,
      description: 'The signaling server',
      network,
      subnetId: network.publicSubnetIds[0] ?? '',
      instanceType: server.instanceType,
      volumeGb: server.volumeGb,
      protect: settings.protect,
      openings: [
        ...serverOpenings(settings),
        ...(turn === undefined ? [] : turnOpenings(turn)),
        ...(media === undefined ? [] : mediaOpenings(media)),
      ],
      statements: statementsOf(site, settings, { secrets, servesPeers: true, image: 'parameter' }),
    },
    script,
  );
  site.alarms.watchHost(
    {
      name,
      role: 'server',
      instanceType: server.instanceType,
      dimension: { InstanceId: host.instanceId },
      hasServer: true,
    },
    site.namespace,
  );
  const { publicIp } = host.address;
  if (tls?.hostedZoneId !== undefined) {
    new Route53Record(stack, 'record', {
      zoneId: tls.hostedZoneId,
      name: tls.domain,
      type: 'A',
      ttl: 300,
      records: [publicIp],
    });
  }
  return {
    elastic_ip: publicIp,
    public_dns: host.publicDns,
    instance_id: host.instanceId,
    http_url: tls === undefined ? `http://${publicIp}:${serverPorts.http}` : `https://${tls.domain}`,
    websocket_url: tls === undefined ? `ws://${publicIp}:${serverPorts.ws}` : `wss://${tls.domain}`,
    ...(turn !== undefined && { turn_url: `turn:${publicIp}:${turn.port}` }),
    // The server on the same host is the only one who asks it.
    ...(media !== undefined && { media_url: `http://127.0.0.1:${mediaPort}` }),
  };
}
