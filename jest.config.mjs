/** Tests are ESM TypeScript, compiled by swc; types are checked apart by `npm run check`. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  setupFilesAfterEnv: ['<rootDir>/test/support/secret-equality.ts'],
  // For what hangs. How long all else takes is the machine's business, which others may use too.
  testTimeout: 300_000,
  // One of two waits most of the time: on emulators, on ICE, on npm.
  maxWorkers: 2,
};
