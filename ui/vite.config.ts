import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a broker. */
const broker = process.env.CALLBOARD_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  // Nothing inline: the server sends `default-src 'self'`.
  build: {
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    rolldownOptions: { input: ["index.html", "docs.html"] },
  },
  server: { proxy: { "/api": broker } },
  test: { include: ["test/**/*.test.ts"] },
});
