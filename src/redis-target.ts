/** Which Redis, from the four REDIS_ variables. Part of the settings: pure, `config.ts` reads the environment. */

import type { RedisLogin, RedisServer, RedisTarget } from './adapters/redis/redis-client.js';
import { Secret } from './protocol/secret.js';

export interface RedisVariables {
  readonly REDIS_URL?: string | undefined;
  readonly REDIS_CLUSTER_NODES?: string | undefined;
  readonly REDIS_SENTINELS?: string | undefined;
  readonly REDIS_SENTINEL_NAME?: string | undefined;
}

type Name = keyof RedisVariables;

interface Address extends RedisServer, RedisLogin {
  readonly db: number | undefined;
}

const anonymous: RedisLogin = { username: undefined, password: undefined, tls: false };

/** Collects what is wrong instead of throwing, so that all of it is told at once. Problems never quote a value: it may hold a password. */
export function readRedisTarget(variables: RedisVariables): {
  readonly target: RedisTarget | undefined;
  readonly problems: readonly (readonly [Name, string])[];
} {
  const { REDIS_URL: url, REDIS_CLUSTER_NODES: nodes, REDIS_SENTINELS: sentinels } = variables;
  const masterName = variables.REDIS_SENTINEL_NAME;
  const problems: [Name, string][] = [];

  const one = (name: Name, text: string, form: RegExp, what: string): Address | undefined => {
    const address = form.test(text) ? parseAddress(text) : undefined;
    if (address === undefined) problems.push([name, `must be ${what}`]);
    return address;
  };
  const list = (name: Name, text: string, port: number): Address[] => {
    const what = 'a list of host:port, or of redis:// or rediss:// URLs without a database';
    const entries = text.split(',').map((entry) => entry.trim());
    const addresses = entries.flatMap((entry) => {
      const address = parseAddress(entry, port);
      return address?.db === undefined && address !== undefined ? [address] : [];
    });
    if (addresses.length < entries.length) problems.push([name, `must be ${what}`]);
    return addresses;
  };

  const set = (['REDIS_URL', 'REDIS_CLUSTER_NODES', 'REDIS_SENTINELS'] as const).filter(
    (name) => variables[name] !== undefined,
  );
  for (const name of set.slice(1)) problems.push([name, `is set beside ${set[0] ?? ''}: set one of them`]);
  if (sentinels !== undefined && masterName === undefined) {
    problems.push(['REDIS_SENTINEL_NAME', 'is missing: REDIS_SENTINELS alone does not say which master']);
  }
  if (sentinels === undefined && masterName !== undefined) {
    problems.push(['REDIS_SENTINELS', 'is missing: REDIS_SENTINEL_NAME is set']);
  }

  let target: RedisTarget | undefined;
  if (url !== undefined) {
    const what = 'redis://[user:password@]host[:port][/database], or rediss:// for TLS';
    const server = one('REDIS_URL', url, /^rediss?:\/\//i, what);
    if (server !== undefined) target = { kind: 'standalone', server, login: server, db: server.db ?? 0 };
  }
  if (nodes !== undefined) {
    const servers = list('REDIS_CLUSTER_NODES', nodes, 6379);
    target = { kind: 'cluster', servers, login: loginOf(servers) };
  }
  if (sentinels !== undefined) {
    const servers = list('REDIS_SENTINELS', sentinels, 26_379);
    const what = 'a name, or redis://[user:password@]name[/database] (rediss:// for TLS)';
    const master =
      masterName === undefined ? undefined : one('REDIS_SENTINEL_NAME', masterName, /^[^,\s]+$/, what);
    if (master !== undefined) {
      target = {
        kind: 'sentinel',
        sentinels: servers,
        sentinelLogin: loginOf(servers),
        name: master.host,
        login: master,
        db: master.db ?? 0,
      };
    }
  }
  return { target: problems.length === 0 ? target : undefined, problems };
}

/** All servers of a set have one login: that of the first entry that has one. */
function loginOf(addresses: readonly Address[]): RedisLogin {
  return addresses.find(({ password, tls }) => password !== undefined || tls) ?? addresses[0] ?? anonymous;
}

function parseAddress(text: string, defaultPort = 6379): Address | undefined {
  const spelled = text.includes('://') ? text : `redis://${text}`;
  if (!URL.canParse(spelled)) return undefined;
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(spelled);
  const database = /^\/?(\d{0,4})$/.exec(pathname)?.[1];
  if (!/^rediss?:$/.test(protocol) || hostname === '' || database === undefined || search + hash !== '') {
    return undefined;
  }
  const [user, secret] = [decode(username), decode(password)];
  if (user === undefined || secret === undefined) return undefined;
  return {
    // IPv6 addresses wear brackets in URLs only.
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? defaultPort : Number(port),
    username: user === '' ? undefined : user,
    password: secret === '' ? undefined : new Secret(secret),
    tls: protocol === 'rediss:',
    db: database === '' ? undefined : Number(database),
  };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone % in a password: it must be written %25.
    return undefined;
  }
}
