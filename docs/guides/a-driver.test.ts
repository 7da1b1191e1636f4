import { describeDriver } from "@db/testing";
import { afterAll, describe, test } from "vitest";
import { mapDriver } from "./a-driver.ts";

describeDriver({
  name: "the driver of the guide",
  connect: mapDriver,
  capabilities: mapDriver().capabilities,
  runner: { describe, test, afterAll },
});
