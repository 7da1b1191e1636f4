import type { CallContext } from "./context.ts";
import { isDatabaseError, nameOf } from "./errors.ts";
import type { Layer } from "./layer.ts";
import { type Kind, type Operation, seen } from "./operation.ts";
import { checkDuration, checkKeys, describe, expected } from "./options.ts";

/** What is used of a logger; pino's has this shape. */
export interface Logger {
  debug(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
  /** Where it exists and says no, the line of a success is not even built. */
  isLevelEnabled?(level: string): boolean;
}

/** What `logLayer` takes. */
export interface LogLayerOptions {
  /** Where the lines go: pino, or any of its shape. */
  readonly logger: Logger;
  /** From this duration on a call is logged as slow, in milliseconds. Default 1,000. */
  readonly slowMs?: number;
}

/** Failures that tell of the caller's input or of a race, not of the database. */
const EXPECTED = new Set([
  "CANCELLED",
  "CONFLICT",
  "PRECONDITION_FAILED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "UNIQUE_VIOLATION",
  "FIELD_VIOLATION",
  "VALIDATION_FAILED",
  "INVALID_RECORD_ID",
  "INVALID_QUERY",
  "UNSUPPORTED",
]);

/**
 * One structured line for each call: `debug` for a success or an expected refusal, `warn` for a slow one, `error` for a
 * failure of the database. Never a parameter value, a field's value, a record id or the database's own error text. A
 * logger that throws is reported once with `process.emitWarning` and breaks no call.
 * @throws TypeError for an option that is unknown or wrong
 */
export function logLayer(options: LogLayerOptions): Layer {
  checkKeys("logLayer", options, ["logger", "slowMs"]);
  const { logger, slowMs = 1_000 } = options;
  for (const level of ["debug", "warn", "error"] as const) {
    if (typeof logger?.[level] !== "function") throw expected(`logger.${level}`, "a function", logger?.[level]);
  }
  checkDuration("slowMs", slowMs);
  let warned = false;

  const report = (fault: unknown): void => {
    if (!warned) process.emitWarning(`the logger of logLayer threw (${describe(fault)})`, "DatabaseWarning");
    warned = true;
  };
  const log = (level: "debug" | "warn" | "error", facts: object, message: string): void => {
    try {
      const written: unknown = logger[level](facts, message);
      if (written instanceof Promise) written.catch(report);
    } catch (fault) {
      report(fault);
    }
  };
  const wantsDebug = (): boolean => {
    try {
      return logger.isLevelEnabled?.("debug") !== false;
    } catch (fault) {
      report(fault);
      return false;
    }
  };

  return (next) =>
    function logged(operation, context) {
      const start = performance.now();
      return next(operation, context).then(
        (result) => {
          const durationMs = performance.now() - start;
          if (durationMs >= slowMs) log("warn", factsOf(seen(operation), context, durationMs), "slow database call");
          else if (wantsDebug()) log("debug", factsOf(seen(operation), context, durationMs), "database call");
          return result;
        },
        (error: unknown) => {
          const facts = { ...factsOf(seen(operation), context, performance.now() - start), ...failureOf(error) };
          log(levelOf(operation.kind, error), facts, "database call failed");
          throw error;
        },
      );
    };
}

function factsOf(operation: Operation, context: CallContext, durationMs: number): object {
  const { kind } = operation;
  const collection = "collection" in operation ? { collection: operation.collection } : {};
  return { operation: kind, ...collection, operationId: context.operationId, attempt: context.attempt, durationMs };
}

/** An error that is not ours comes from a transaction's own work; from elsewhere it is a fault of a driver or layer. */
function levelOf(kind: Kind, error: unknown): "debug" | "error" {
  const expected = isDatabaseError(error) ? EXPECTED.has(error.code) : kind === "transaction";
  return expected ? "debug" : "error";
}

/** The name of an error that is not ours says enough and holds no values. */
function failureOf(error: unknown): object {
  if (!isDatabaseError(error)) return { error: nameOf(error) };
  const { code, retryable, effect } = error;
  return { code, retryable, effect };
}
