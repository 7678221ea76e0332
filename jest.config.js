/** Tests import the TypeScript sources; swc only strips the types, `npm run check` is what checks them. */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/clients/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/test/clients/'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, sourceMaps: 'inline' }],
  },
  testTimeout: 20000,
  // A process that has run a hundred files is slow: what each of them has left in the runtime is asked at every promise.
  maxWorkers: '100%',
  workerIdleMemoryLimit: '600MB',
};
