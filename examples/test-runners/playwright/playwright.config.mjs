import { defineConfig } from '@playwright/test';

// The browser of the system; without `launchOptions` Playwright uses its own.
const flags = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export default defineConfig({
  globalSetup: './global-setup.mjs',
  workers: 2,
  use: {
    // Read again by each worker, when the server is there.
    baseURL: process.env.SPAWNLOCK_API_URL,
    launchOptions: { executablePath: process.env.CHROMIUM, chromiumSandbox: false, args: flags },
  },
});
