/**
 * What a host needs to know to start its containers. The constructs fill it in; `renderUserData` makes a shell script of it.
 *
 * Strings may hold Terraform tokens (`${TfToken[…]}`): they go into the script as they are, are never measured, cut, encoded or
 * compared, and become plain addresses, names or URLs without quotes, spaces or dollar signs. Numbers are plain numbers.
 * The script is plain shell: the constructs escape its `${` and `%{` for Terraform. It must not be longer than 15,000 bytes,
 * because EC2 takes 16 KiB of user data.
 *
 * All containers use the host's network. So the host's credentials need no second hop to the metadata service (its hop limit
 * is 1), clients' addresses arrive as they are, and ten thousand media ports need no ten thousand forwardings.
 */
export interface UserDataSettings {
  /** Of this host or group of hosts: `webrtc-signaling-production-server`. */
  readonly name: string;
  readonly region: string;
  /** CloudWatch log group of all containers; a stream is named by container and instance id. The group exists. */
  readonly logGroup: string;
  readonly metrics: HostMetrics;
  /** Of server and Media Service; absent on hosts that run neither. */
  readonly image?: ImageSource;
  readonly server?: ServerContainer;
  readonly media?: MediaContainer;
  readonly turn?: TurnContainer;
  /** Redis in a container, for a server on this host alone, on 127.0.0.1:6379, without a password. */
  readonly redis?: RedisContainer;
  /** Caddy in front of the server, with a certificate by ACME. */
  readonly caddy?: CaddyContainer;
  /** Set for hosts of an Auto Scaling group. */
  readonly autoScaling?: AutoScaling;
}

/**
 * Figures that the host puts once a minute, or lets the CloudWatch agent put. Each has one dimension, `group`, with the value
 * below: `mem_used_percent`, `disk_used_percent` (of the root file system), `healthy` (1 when every container of this host lives:
 * the server by `/healthz`, the Media Service by `/health`, coturn by answering STUN or by being there; else 0), and, where there is a server, `ready` (1 when
 * `/readyz` says 200, else 0).
 */
export interface HostMetrics {
  readonly namespace: string;
  readonly group: string;
}

/**
 * `uri` holds for the life of the host. `parameter` names an SSM parameter (String) with the URI, which is read at each start
 * of the service: so a single host changes its image without being replaced.
 */
export type ImageSource = { readonly uri: string } | { readonly parameter: string };

/** Environment variables whose values are SSM parameters (SecureString), by name of the variable. Read at each start of the service. */
export type Secrets = Readonly<Record<string, string>>;

export interface ServerContainer {
  readonly httpPort: number;
  readonly wsPort: number;
  /** All variables but `NODE_ID` (the instance's id), the secrets, and `REDIS_URL` where `redis` is set. */
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: Secrets;
  /** `REDIS_URL` is made of it: `rediss://user:password@host:port`. The password is letters and digits. */
  readonly redis?: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly passwordParameter: string;
  };
  /** How long closing may take (`DRAIN_MS`); who stops the container gives it ten seconds more. */
  readonly drainMs: number;
  readonly memoryMb: number;
}

/** The same image with the command `media`. */
export interface MediaContainer {
  readonly port: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: Secrets;
  readonly memoryMb: number;
}

export interface TurnContainer {
  readonly image: string;
  readonly realm: string;
  readonly port: number;
  /** TURN over TLS, with a certificate and a key as PEM in two SSM parameters (SecureString). */
  readonly tls?: {
    readonly port: number;
    readonly certificateParameter: string;
    readonly keyParameter: string;
  };
  readonly relayMinPort: number;
  readonly relayMaxPort: number;
  readonly publicIp: string;
  readonly privateIp: string;
  /** SSM parameter (SecureString) with coturn's `static-auth-secret`. */
  readonly sharedSecretParameter: string;
  /** Allocations at a time: of one user, and of all. */
  readonly userQuota: number;
  readonly totalQuota: number;
  /** Bytes a second of one allocation. */
  readonly maxBytesPerSecond: number;
  /** First and last address of each range that nobody may be relayed to. */
  readonly deniedPeers: readonly (readonly [string, string])[];
}

export interface RedisContainer {
  readonly image: string;
  readonly memoryMb: number;
}

export interface CaddyContainer {
  readonly image: string;
  readonly domain: string;
  /** Told by the certificate authority when a renewal fails. */
  readonly email?: string;
}

/**
 * Launch: the instance completes `launchHook` with CONTINUE when `/readyz` says 200, with ABANDON when it does not within `launchTimeoutS`.
 *
 * Termination: when the instance metadata `autoscaling/target-lifecycle-state` says `Terminated`, the containers are stopped (SIGTERM, and as
 * long as their drain takes), then `terminateHook` is completed with CONTINUE, again and again until that is taken: the group first lets the load
 * balancer deregister the instance, and there is nothing to complete before the hook begins.
 *
 * Health: when `/healthz` has failed for `unhealthyAfterS`, restarts included, the instance reports itself with `set-instance-health
 * --health-status Unhealthy`, and is replaced. The group does not judge by itself, because `/readyz` fails on all when Redis is away.
 */
export interface AutoScaling {
  readonly group: string;
  readonly launchHook: string;
  readonly launchTimeoutS: number;
  readonly terminateHook: string;
  readonly unhealthyAfterS: number;
}
