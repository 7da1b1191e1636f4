import { describe, test } from "vitest";
import { missingContainerEngine } from "../../src/containers.ts";

const reason = await missingContainerEngine();

/**
 * A suite that needs a container engine: skipped with the reason where there is none, a failure with it where
 * `REQUIRE_CONTAINERS=1` says that there must be one.
 */
export function describeWithContainers(name: string, suite: () => void): void {
  if (reason === undefined) describe(name, suite);
  else if (process.env.REQUIRE_CONTAINERS === "1") {
    test(name, () => {
      throw new Error(`expected a container engine, as REQUIRE_CONTAINERS=1 asks: ${reason}`);
    });
  } else {
    console.error(`${name}: skipped, ${reason}`);
    describe.skip(name, suite);
  }
}
