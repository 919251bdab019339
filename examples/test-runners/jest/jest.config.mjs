export default {
  globalSetup: './global-setup.mjs',
  globalTeardown: 'spawnlock/test/teardown',
  testMatch: ['**/*.test.cjs'],
};
