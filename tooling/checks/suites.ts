import type { Step } from "./step.ts";

export type SuiteName = "test" | "full" | "nightly";

const unit: Step = { kind: "tests", name: "unit", project: "unit", about: "the tests without a database" };
const integration: Step = {
  kind: "tests",
  name: "integration",
  project: "integration",
  about: "the tests against real databases",
};

/** Cheapest first, so that the first news comes early. */
export const suites: Readonly<Record<SuiteName, readonly Step[]>> = {
  test: [
    {
      kind: "command",
      name: "format",
      about: "format, lint and import order (biome)",
      command: ["biome", "ci", "--error-on-warnings", "."],
    },
    {
      kind: "command",
      name: "types",
      about: "every source, test and bench type-checks",
      command: ["tsc", "-b"],
    },
    {
      kind: "command",
      name: "api",
      about: "every package exports what its reviewed report says (`npm run api` updates them)",
      command: ["node", "tooling/api/run.ts", "--check"],
    },
    {
      kind: "command",
      name: "knip",
      about: "no unused file, export or dependency",
      command: ["knip", "--no-progress", "--no-config-hints"],
    },
    unit,
    integration,
  ],
  full: [
    {
      kind: "command",
      name: "coverage",
      about: "the unit tests reach what they must reach (thresholds in vitest.config.ts)",
      command: ["vitest", "run", "--project", "unit", "--coverage", "--reporter=dot"],
    },
    {
      kind: "tests",
      name: "properties",
      project: "properties",
      about: "the property and endurance tests of the unit step, at their full size",
    },
    {
      kind: "tests",
      name: "endurance",
      project: "endurance",
      about: "the crash loops and fault matrices of the integration step, at their full size",
    },
    {
      kind: "tests",
      name: "packaging",
      project: "packaging",
      about: "every package as its users get it: released in a copy, installed alone, compiled and run",
    },
    {
      kind: "tests",
      name: "containers",
      project: "containers",
      about: "SurrealDB in containers, killed, frozen and started again (REQUIRE_CONTAINERS=1 forbids to skip them)",
      needs: "a container engine (`npm run containers -- up`)",
    },
  ],
  nightly: [
    {
      kind: "tests",
      name: "nightly",
      project: "nightly",
      about: "what needs other programs of the machine, or long",
    },
    {
      kind: "command",
      name: "verify",
      about: "the acceptance list (`npm run verify`)",
      command: ["node", "--disable-warning=ExperimentalWarning", "tooling/verify/main.ts"],
    },
  ],
};
