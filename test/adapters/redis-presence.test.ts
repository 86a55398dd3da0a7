import { presenceContract, type PresenceSetup } from '../contracts/presence-contract.js';
import { RedisCluster, RedisServer } from '../support/redis.js';
import { RedisNodes } from '../support/redis-nodes.js';

function setup(
  env: Record<string, string>,
  servers: readonly RedisServer[],
  stop: () => Promise<void>,
): PresenceSetup {
  const nodes = new RedisNodes(env);
  return {
    node: async (nodeId) => (await nodes.open(nodeId)).presence,
    lose: async () => {
      await Promise.all(servers.map((server) => server.ask((redis) => redis.flushall())));
    },
    stop: async () => {
      nodes.close();
      await stop();
    },
  };
}

presenceContract('RedisPresence on one Redis', async () => {
  const server = await RedisServer.start();
  return setup({ REDIS_URL: server.url }, [server], () => server.stop());
});

presenceContract('RedisPresence on a cluster of three', async () => {
  const cluster = await RedisCluster.start();
  return setup({ REDIS_CLUSTER_NODES: cluster.nodes }, cluster.servers, () => cluster.stop());
});
