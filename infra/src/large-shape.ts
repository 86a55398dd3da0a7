/** Servers behind a load balancer, Redis between them, TURN and Media Service on hosts of their own. */
import { Cache } from './cache.js';
import {
  mediaContainer,
  mediaPort,
  redisPassword,
  serverContainer,
  serverPorts,
  serverSecrets,
  turnContainer,
  turnSecrets,
} from './containers.js';
import { LoadBalancer } from './load-balancer.js';
import { mediaOpenings, turnOpenings } from './openings.js';
import { autoScalingOf, ServerGroup } from './server-group.js';
import { nameOf } from './names.js';
import type { LargeSettings } from './settings.js';
import { SingleHost, type HostAddress, type SingleHostProps } from './single-host.js';
import { hostBasics, imageByParameter, statementsOf, type Made, type Site } from './site.js';
import { renderUserData } from './user-data/render-user-data.js';

export function largeShape(site: Site, settings: LargeSettings): Made {
  const { stack, network, alarms } = site;
  const autoScaling = autoScalingOf(settings);
  const front = new LoadBalancer(stack, 'front', {
    settings,
    vpcId: network.vpcId,
    subnetIds: network.publicSubnetIds,
    wayOut: network.wayOut,
    serverPort: serverPorts.http,
  });
  const turns = turnHosts(site, settings);
  let medias: readonly SingleHost[] = [];
  const script = (servers: string): string => {
    const cache = new Cache(stack, 'redis', {
      settings,
      vpcId: network.vpcId,
      subnetIds: network.privateSubnetIds,
      clients: servers,
    });
    alarms.watchCache(cache.nodeIds);
    medias = mediaHosts(site, settings, servers);
    const { tables, identities } = site;
    return renderUserData({
      ...hostBasics(site, settings, autoScaling.group),
      image: { uri: site.image.uri },
      autoScaling,
      server: serverContainer(settings, {
        userPoolId: identities.userPoolId,
        appClientId: identities.appClientId,
        tables: { rooms: tables.rooms.name, users: tables.users.name, chat: tables.chat.name },
        turnIps: turns.map(({ address }) => address.publicIp),
        mediaUrls: urlsOf(medias),
        cache: { host: cache.host, port: cache.port, user: cache.user },
        frontCidrs: network.publicCidrs,
      }),
    });
  };
  const group = new ServerGroup(
    stack,
    'servers',
    {
      settings,
      network,
      targetGroupArn: front.targetGroupArn,
      front: front.groupId,
      serverPort: serverPorts.http,
      statements: statementsOf(site, settings, {
        secrets: [...serverSecrets(settings), redisPassword],
        servesPeers: true,
        image: 'uri',
        autoScalingGroup: autoScaling.group,
      }),
    },
    script,
  );
  alarms.watchHost(
    {
      name: group.name,
      role: 'server',
      instanceType: settings.server.instanceType,
      dimension: { AutoScalingGroupName: group.name },
      hasServer: true,
    },
    site.namespace,
  );
  alarms.watchBalancer({
    balancer: front.dimension,
    targets: front.targetDimension,
    certificateArn: front.certificateArn,
    group: group.name,
    leastHosts: settings.hosts.min,
  });
  return {
    public_dns: front.publicDns,
    asg_name: group.name,
    http_url: `https://${settings.tls.domain}`,
    websocket_url: `wss://${settings.tls.domain}`,
    ...(settings.turn !== undefined && {
      turn_url: turns.map(({ address }) => `turn:${address.publicIp}:${settings.turn?.port ?? ''}`).join(','),
    }),
    ...(settings.media !== undefined && { media_url: urlsOf(medias).join(',') }),
  };
}

function urlsOf(medias: readonly SingleHost[]): readonly string[] {
  return medias.map(({ address }) => `http://${address.privateIp}:${mediaPort}`);
}

function turnHosts(site: Site, settings: LargeSettings): readonly SingleHost[] {
  const { turn } = settings;
  if (turn === undefined) return [];
  return hosts(site, settings, 'turn', turn, {
    description: 'A TURN relay',
    openings: turnOpenings(turn),
    statements: statementsOf(site, settings, { secrets: turnSecrets(turn), servesPeers: false }),
    script: (address, name) =>
      renderUserData({ ...hostBasics(site, settings, name), turn: turnContainer(settings, turn, address) }),
  });
}

function mediaHosts(site: Site, settings: LargeSettings, servers: string): readonly SingleHost[] {
  const { media } = settings;
  if (media === undefined) return [];
  return hosts(site, settings, 'media', media, {
    description: 'A Media Service',
    openings: [
      ...mediaOpenings(media, servers),
      { what: 'scraper', protocol: 'tcp', from: mediaPort, peers: settings.scraperCidrs },
    ],
    statements: statementsOf(site, settings, {
      secrets: ['INTERNAL_SERVICE_KEY'],
      servesPeers: false,
      image: 'parameter',
    }),
    script: (address, name) =>
      renderUserData({
        ...hostBasics(site, settings, name),
        image: imageByParameter(site),
        media: mediaContainer(settings, media, address, true),
      }),
  });
}

interface HostKind extends Pick<SingleHostProps, 'description' | 'openings' | 'statements'> {
  readonly script: (address: HostAddress, name: string) => string;
}

/** Hosts of a kind, one zone after the other. */
function hosts(
  { stack, network, alarms, namespace }: Site,
  settings: LargeSettings,
  role: string,
  { count, instanceType, volumeGb }: { count: number; instanceType: string; volumeGb: number },
  { script, ...kind }: HostKind,
): readonly SingleHost[] {
  const { publicSubnetIds } = network;
  return Array.from({ length: count }, (_, at) => {
    const id = `${role}-${at + 1}`;
    const name = nameOf(settings, id);
    const subnetId = publicSubnetIds[at % publicSubnetIds.length] ?? '';
    const props = { ...kind, name, network, subnetId, instanceType, volumeGb, protect: settings.protect };
    const host = new SingleHost(stack, id, props, (address) => script(address, name));
    alarms.watchHost(
      { name, role: id, instanceType, dimension: { InstanceId: host.instanceId }, hasServer: false },
      namespace,
    );
    return host;
  });
}
