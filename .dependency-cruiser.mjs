/** The floors of the house (src/README.md): arrows only downward, no cycles, type-only imports included. */
const vendors = {
  dynamodb: '@aws-sdk/(client-dynamodb|lib-dynamodb)|@smithy',
  cognito: '@aws-sdk/client-cognito-identity-provider|@smithy',
  jwt: 'aws-jwt-verify',
  redis: 'ioredis',
  'local-identity': 'jose',
  system: 'pino|prom-client|nanoid',
  tracing: '@opentelemetry',
};

const floor = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: '^src/', pathNot: allowed },
});

/** Which packages a folder may name; everything else from node_modules is refused. */
const packages = (folder, allowed) => ({
  name: `${folder}-packages`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { dependencyTypes: ['npm', 'npm-optional', 'npm-dev'], pathNot: `node_modules/(${allowed})` },
});

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-dev-packages',
      severity: 'error',
      // Pages are bundled: what they use is no dependency of the server's.
      from: { pathNot: '^src/web/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: '@types/' },
    },
    floor('protocol-floor', '^src/protocol/', '^src/protocol/'),
    floor('ports-floor', '^src/ports/', '^src/(protocol|ports)/'),
    floor('core-floor', '^src/core/', '^src/(protocol|ports|core)/'),
    floor('dialects-floor', '^src/dialects/', '^src/(protocol|dialects)/'),
    floor('transport-floor', '^src/transport/', '^src/(protocol|ports|core|dialects|transport)/'),
    floor('client-wing', '^src/client/', '^src/(protocol|client)/'),
    floor('web-wing', '^src/web/', '^src/(protocol|client|web)/'),
    {
      name: 'web-apart',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/web/' },
      to: { path: '^src/web/' },
    },
    floor(
      'media-wing',
      '^src/media/',
      '^src/((protocol|media)/|(secret-files|adapters/standard-output)\\.ts$)',
    ),
    {
      name: 'media-apart',
      severity: 'error',
      // The container's process is either program, by its argument.
      from: { path: '^src/', pathNot: '^src/(media/|container\\.ts$)' },
      to: { path: '^src/media/' },
    },
    floor('main-roof', '^src/main\\.ts$', '^src/(app|config)\\.ts$'),
    floor(
      'backends-roof',
      '^src/backends(\\.ts$|/)',
      '^src/(backends/|adapters/|ports/|protocol/|config\\.ts)',
    ),
    floor(
      'config-roof',
      '^src/(config|config-schema|config-fields|memory-limit|redis-target|secret-files)\\.ts$',
      '^src/(config-schema|config-fields|memory-limit|redis-target|secret-files|adapters/redis/redis-client|transport/client-address|protocol/secret)\\.ts$',
    ),
    ...Object.keys(vendors).map((vendor) =>
      floor(
        `${vendor}-adapter`,
        `^src/adapters/${vendor}/`,
        `^src/(protocol|ports|adapters/(${vendor}/|[^/]+\\.ts$))`,
      ),
    ),
    floor('turn-adapter', '^src/adapters/turn/', '^src/(protocol|ports|adapters/turn/)'),
    floor('http-adapter', '^src/adapters/http/', '^src/(protocol|ports|adapters/(http/|[^/]+\\.ts$))'),
    floor('memory-adapter', '^src/adapters/memory/', '^src/(protocol|ports|adapters/(memory/|[^/]+\\.ts$))'),
    { ...packages('protocol', 'zod'), name: 'protocol-packages' },
    packages('ports', 'zod'),
    packages('core', 'none'),
    packages('dialects', 'zod'),
    packages('transport', 'ws|express|helmet|zod|cookie|proxy-addr|@types/(ws|express|proxy-addr)'),
    ...Object.entries(vendors).map(([vendor, allowed]) => packages(`adapters/${vendor}`, allowed)),
    packages('adapters/memory', 'none'),
    packages('adapters/http', 'zod'),
    packages('adapters/turn', 'none'),
    packages('web', 'uplot|mediasoup-client'),
    packages('media', 'mediasoup/|express|zod|pino|prom-client|@types/express'),
    packages('client', 'ws|commander|cli-progress|@roamhq/wrtc|@types/(ws|cli-progress)'),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
  },
};
