import type { SettingsInput } from '../src/settings.js';

/** Many servers behind a load balancer, with TURN and a Media Service on hosts of their own. */
export const production: SettingsInput = {
  environment: 'production',
  shape: 'large',
  region: 'us-west-2',
  protect: true,
  image: { tag: '2.0.0' },
  tls: { domain: 'signaling.example.org', hostedZoneId: 'Z0123456789EXAMPLE' },
  // A host of 4 GiB with nothing else on it.
  server: { instanceType: 'c7i.large', memoryMb: 3_072 },
  hosts: { min: 2, max: 6 },
  redis: { nodeType: 'cache.t4g.small', userId: 'webrtc-signaling-production' },
  turn: { realm: 'turn.example.org', instanceType: 't3.medium', count: 2 },
  // One mediasoup worker for each of four processors, in 8 GiB.
  media: { instanceType: 'c7i.xlarge', memoryMb: 6_144 },
  alarmEmail: 'operator@example.org',
  // A bucket with versions, made once by hand (README.md).
  state: { kind: 's3', bucket: 'example-terraform-state', region: 'us-west-2' },
};
