import { defineConfig } from "vitest/config";

const slow = "**/*.integration.test.ts";
const packaging = "**/*.packaging.test.ts";
const ignored = ["**/node_modules/**", "**/dist/**", "tooling/template/**"];

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["{packages,apps,tooling,docs}/**/*.test.ts"],
          exclude: [...ignored, slow, packaging],
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: [`{packages,apps,tooling}/${slow}`],
          exclude: ignored,
          // A native engine must not share a process with the next file's engine.
          pool: "forks",
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: "packaging",
          include: [`{packages,apps,tooling}/${packaging}`],
          exclude: ignored,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      reporter: ["text-summary", "json-summary"],
    },
  },
});
