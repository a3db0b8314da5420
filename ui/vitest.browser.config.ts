// Browser tests: the built files in a real Chromium, against $OHMSTEAD_BIN demo or the mock house.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['browser/**/*.test.ts'],
    environment: 'node',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // One browser at a time: small machines run this too.
    fileParallelism: false,
  },
});
