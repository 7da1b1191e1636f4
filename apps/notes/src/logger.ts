import type { Logger as DatabaseLogger } from "@db/core";
import { pino } from "pino";

export interface Logger extends DatabaseLogger {
  info(facts: object, message: string): void;
}

export const LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;
export type Level = (typeof LEVELS)[number];

/**
 * One JSON object a line, on stderr: stdout is for people. Written at once, so that nothing is lost at the end of the
 * process.
 */
export function createLogger(level: Level): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
