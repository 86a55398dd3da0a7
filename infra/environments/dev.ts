import type { SettingsInput } from '../src/settings.js';

/** One instance, without TLS: for trying it out. */
export const dev: SettingsInput = {
  environment: 'dev',
  shape: 'small',
  region: 'us-west-1',
  image: { tag: '2.0.0' },
  server: { instanceType: 't3.small' },
  redis: {},
  turn: { realm: 'turn.dev.example.org' },
};
