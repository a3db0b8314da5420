// Builds the dashboard into crates/web/assets, from where the binary embeds it. The result must be reproducible:
// CI builds again and fails on any difference.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

/** The running ohmstead (or `npm run mock`) that `npm run dev` talks to. */
const api = process.env.OHMSTEAD_API ?? 'http://127.0.0.1:8230';

export default defineConfig({
  plugins: [svelte()],
  // Relative addresses: the page also works behind a reverse proxy that adds a prefix.
  base: './',
  publicDir: 'static',
  build: {
    outDir: '../crates/web/assets',
    emptyOutDir: true,
    // Hashed names may be cached for ever; they stay the same as long as their bytes do.
    assetsDir: 'static',
    modulePreload: { polyfill: false },
    // A data: address would need a laxer content security policy for fonts and scripts.
    assetsInlineLimit: 0,
    sourcemap: false,
  },
  server: {
    host: '127.0.0.1',
    port: 8232,
    proxy: { '/api': api, '/health': api, '/healthz': api, '/readyz': api },
  },
});
