import type { RouterCodec } from './mediasoup-engine.js';

const bitrate = { 'x-google-start-bitrate': 1_000 };

/**
 * What browsers agree on, the preferred first. H264 in the two profiles that all of them offer: constrained baseline
 * and main.
 */
export const routerCodecs = [
  { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2 },
  { kind: 'video', mimeType: 'video/VP8', clockRate: 90_000, parameters: bitrate },
  { kind: 'video', mimeType: 'video/VP9', clockRate: 90_000, parameters: { 'profile-id': 0, ...bitrate } },
  { kind: 'video', mimeType: 'video/VP9', clockRate: 90_000, parameters: { 'profile-id': 2, ...bitrate } },
  ...['42e01f', '4d0032'].map((profile) => ({
    kind: 'video' as const,
    mimeType: 'video/H264' as const,
    clockRate: 90_000,
    parameters: {
      'packetization-mode': 1,
      'profile-level-id': profile,
      'level-asymmetry-allowed': 1,
      ...bitrate,
    },
  })),
] satisfies RouterCodec[];

/** Of feature codecs the router makes RTX itself, one for each video codec. */
export const codecNames: ReadonlySet<string> = new Set([
  ...routerCodecs.map(({ mimeType }) => mimeType.toLowerCase()),
  'video/rtx',
]);
