import { defineConfig } from "vite";

export default defineConfig({
  base: "/ops/",
  build: { outDir: "../dist/ops", emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
