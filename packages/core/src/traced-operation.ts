import type { OperationEvent } from "./channels.ts";
import type { CallContext } from "./context.ts";
import type { DriverTarget, DriverView } from "./driver.ts";
import type { Kind, OperationOf } from "./operation.ts";

/**
 * The event of one call. Node puts the call's result on it for all subscribers to see: here it becomes a number, so that
 * no row leaves the call that asked for it.
 */
export class TracedOperation implements OperationEvent {
  readonly driver: string;
  readonly target: DriverTarget | undefined;
  readonly namespace: string | undefined;
  readonly kind: Kind;
  readonly collection: string | undefined;
  readonly text: string | undefined;
  readonly startedAt: number;
  readonly #context: CallContext;
  #rows: number | undefined;

  constructor(driver: DriverView, operation: OperationOf<Kind>, context: CallContext) {
    const { scope } = context;
    this.driver = driver.name;
    this.target = driver.target;
    this.namespace = scope === undefined ? driver.target?.namespace : `${scope.namespace}|${scope.database}`;
    this.kind = operation.kind;
    this.collection = "collection" in operation ? operation.collection : undefined;
    this.text = operation.kind === "query" ? operation.text : undefined;
    this.startedAt = performance.now();
    this.#context = context;
  }

  get operationId(): string {
    return this.#context.operationId;
  }

  get rows(): number | undefined {
    return this.#rows;
  }

  get result(): undefined {
    return undefined;
  }

  set result(result: unknown) {
    try {
      this.#rows = countRows(this.kind, result);
    } catch {
      // Thrown here it would take the place of the result, which its caller gets whatever it is.
    }
  }
}

function countRows(kind: Kind, result: unknown): number | undefined {
  if (kind === "read") return result === undefined ? 0 : 1;
  if (kind === "query")
    return Array.isArray(result) ? result.reduce((sum, part) => sum + countPart(part), 0) : undefined;
  if (typeof result !== "object" || result === null) return undefined;
  if ("items" in result && Array.isArray(result.items)) return result.items.length;
  return "row" in result && result.row !== undefined ? 1 : undefined;
}

/** Of one statement among several: its rows, or a single value. */
function countPart(part: unknown): number {
  if (Array.isArray(part)) return part.length;
  return part === undefined || part === null ? 0 : 1;
}
