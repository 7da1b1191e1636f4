import { defineConfig } from "vitest/config";
import { coverageFloors } from "./tooling/checks/coverage-floors.ts";
import { type Project, testFiles } from "./tooling/checks/test-files.ts";

export default defineConfig({
  test: {
    globalSetup: ["./tooling/checks/scratch.ts"],
    // What is waited for comes; how soon is not what these ask, and a second is little where a disk pauses.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      { extends: true, test: { name: "unit", ...filesOf("unit") } },
      {
        extends: true,
        test: {
          name: "integration",
          ...filesOf("integration"),
          // A native engine must not share a process with the next file's engine.
          pool: "forks",
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: "properties",
          ...filesOf("properties"),
          // The only thing that tells these tests apart from the same files in the unit project.
          env: { DB_TEST_SIZE: "full" },
          testTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: "endurance",
          ...filesOf("endurance"),
          env: { DB_TEST_SIZE: "full" },
          pool: "forks",
          // Their bounds are times: two of them at once would be each other's slow machine.
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: { name: "packaging", ...filesOf("packaging"), testTimeout: 600_000, hookTimeout: 600_000 },
      },
      {
        extends: true,
        test: {
          name: "nightly",
          ...filesOf("nightly"),
          env: { DB_TEST_SIZE: "full" },
          pool: "forks",
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        extends: true,
        test: {
          name: "containers",
          ...filesOf("containers"),
          // One file at a time: a container's start is dear, and its figures are of a machine that does nothing else.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      reporter: ["text-summary", "json-summary"],
      // By the unit tests alone; adapters are covered by the integration tests.
      thresholds: coverageFloors,
    },
  },
});

function filesOf(project: Project): { include: string[]; exclude: string[] } {
  const { include, exclude } = testFiles[project];
  return { include: [...include], exclude: [...exclude] };
}
