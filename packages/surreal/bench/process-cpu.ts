import { readdirSync, readFileSync } from "node:fs";

/** Processor time so far, in microseconds. */
export interface ProcessCpu {
  readonly allUs: number;
  /** That of its JavaScript. */
  readonly mainUs: number;
}

/** Of another process, thread by thread; NaN where the system does not tell (anywhere but Linux). */
export function cpuOf(pid: number): ProcessCpu {
  let allUs = 0;
  let mainUs = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const us = Number.parseInt(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8"), 10) / 1_000;
      allUs += us;
      if (thread === String(pid)) mainUs = us;
    }
    return { allUs, mainUs };
  } catch {
    return { allUs: Number.NaN, mainUs: Number.NaN };
  }
}
