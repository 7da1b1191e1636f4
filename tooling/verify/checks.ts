import type { Check } from "./check.ts";
import { connect } from "./checks/connect.ts";
import { coverage } from "./checks/coverage.ts";
import { crud } from "./checks/crud.ts";
import { health } from "./checks/health.ts";
import { load } from "./checks/load.ts";
import { metrics } from "./checks/metrics.ts";
import { outage } from "./checks/outage.ts";
import { poolSizing } from "./checks/pool-sizing.ts";
import { queueFormats } from "./checks/queue-formats.ts";
import { timeouts } from "./checks/timeouts.ts";
import { validation } from "./checks/validation.ts";
import { version } from "./checks/version.ts";

/** In the order of the requirements. */
export const checks: readonly Check[] = [
  connect,
  poolSizing,
  validation,
  crud,
  health,
  queueFormats,
  outage,
  timeouts,
  metrics,
  version,
  coverage,
  load,
];
