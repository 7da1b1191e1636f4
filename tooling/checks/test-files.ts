/** Where the tests of each vitest project live; the runner uses it to tell "no tests yet" from "no test ran". */
export interface TestFiles {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

export type Project = "unit" | "integration" | "properties" | "endurance" | "packaging" | "nightly" | "containers";

const never = ["**/node_modules/**", "**/dist/**"];
const integration = "**/*.integration.test.ts";
/** Run in the unit project too, smaller. */
const properties = "**/*.property.test.ts";
/** Run in the integration project too, smaller. */
const endurance = "**/*.endurance.integration.test.ts";
const packaging = "**/*.packaging.test.ts";
/** What needs more than a machine with Node has, or longer than a merge may take. */
const nightly = "**/*.nightly.test.ts";
const containers = "**/*.container.test.ts";

export const testFiles: Readonly<Record<Project, TestFiles>> = {
  unit: {
    include: ["{packages,apps,tooling,docs}/**/*.test.ts"],
    exclude: [...never, integration, packaging, nightly, containers],
  },
  integration: { include: [`{packages,apps,tooling,docs}/${integration}`], exclude: never },
  properties: { include: [`{packages,apps,tooling,docs}/${properties}`], exclude: never },
  endurance: { include: [`{packages,apps,tooling,docs}/${endurance}`], exclude: never },
  packaging: { include: [`{packages,apps,tooling,docs}/${packaging}`], exclude: never },
  nightly: { include: [`{packages,apps,tooling,docs}/${nightly}`], exclude: never },
  containers: { include: [`{packages,apps,tooling,docs}/${containers}`], exclude: never },
};
