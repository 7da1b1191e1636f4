import assert from "node:assert/strict";
import type { Theme } from "./conformance-case.ts";

export const capabilities: Theme = {
  name: "capabilities",
  cases: {
    "the driver says of itself what the suite was told": async ({ driver, options }) => {
      assert.deepEqual({ ...driver.capabilities }, { ...options.capabilities });
    },
  },
};
