import { fileURLToPath } from 'node:url';

const fromRoot = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/**
 * How the client is bundled into one file, for esbuild's `build`. The WebRTC engine is a native module and stays
 * outside; so do the optional natives of `ws`.
 */
export const clientBundleOptions = {
  entryPoints: [fromRoot('src/client/cli.ts')],
  outfile: fromRoot('dist/client.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['@roamhq/wrtc', 'bufferutil', 'utf-8-validate'],
  banner: {
    // The CommonJS packages inside ask for Node's own modules with `require`, which a module does not have.
    js: [
      '#!/usr/bin/env node',
      "import { createRequire as createRequireOfBundle } from 'node:module';",
      'const require = createRequireOfBundle(import.meta.url);',
    ].join('\n'),
  },
  legalComments: 'none',
  logLevel: 'warning',
};
