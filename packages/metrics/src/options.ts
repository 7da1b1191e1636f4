import type { MeterProvider, TracerProvider } from "@opentelemetry/api";
import type { Exporter } from "./exporters.ts";
import { LEVELS, type Level } from "./level.ts";

/** What `instrument` takes. */
export interface InstrumentOptions {
  /** How much is told: `basic`, `detailed` or `all`. Default `basic`. */
  readonly level?: Level;
  /** Default: the one that is registered globally when `instrument()` is called; a later one is not seen. */
  readonly meterProvider?: MeterProvider;
  /** Default: the one that is registered globally, also later. */
  readonly tracerProvider?: TracerProvider;
  /**
   * How many series one instrument may have, an integer in 16..1900; what comes after them is counted under `_other`.
   * Default 200: a histogram has twelve lines for each. The bound is below the limit of the SDK, which would lose labels.
   */
  readonly maxSeries?: number;
  /**
   * Exporters whose failures `selfCheck()` is to count: the SDK catches what they throw, and tells nobody but its own
   * log. Their `export` is wrapped until `shutdown()`. Default none.
   */
  readonly exporters?: readonly Exporter[];
}

export interface Settings {
  readonly level: Level;
  readonly meterProvider: MeterProvider | undefined;
  readonly tracerProvider: TracerProvider | undefined;
  readonly maxSeries: number;
  readonly exporters: readonly Exporter[];
}

/** @throws TypeError for an option that is unknown or wrong */
export function readOptions(options: InstrumentOptions): Settings {
  checkKeys("instrument", options, ["level", "meterProvider", "tracerProvider", "maxSeries", "exporters"]);
  const { level = "basic", meterProvider, tracerProvider, maxSeries = 200, exporters = [] } = options;
  if (!LEVELS.includes(level)) throw expected("level", `one of ${LEVELS.join(", ")}`, level);
  checkProvider("meterProvider", meterProvider, "getMeter");
  checkProvider("tracerProvider", tracerProvider, "getTracer");
  if (!Array.isArray(exporters) || !exporters.every(isExporter))
    throw expected("exporters", "a list of objects with export()", exporters);
  checkInteger("maxSeries", maxSeries, 16, 1_900);
  return { level, meterProvider, tracerProvider, maxSeries, exporters };
}

function isExporter(value: unknown): boolean {
  return typeof value === "object" && value !== null && typeof Reflect.get(value, "export") === "function";
}

function checkProvider(option: string, provider: unknown, method: string): void {
  if (provider === undefined) return;
  if (typeof provider === "object" && provider !== null && typeof Reflect.get(provider, method) === "function") return;
  throw expected(option, `an object with ${method}()`, provider);
}

/** Rejects unknown keys, which catches a typo. */
export function checkKeys(subject: string, options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) throw expected(subject, "an object of options", options);
  for (const key of Object.keys(options)) {
    if (!known.includes(key))
      throw new TypeError(`${subject}: unknown option "${key}", expected one of ${known.join(", ")}`);
  }
}

export function checkInteger(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw expected(option, `an integer in ${min}..${max}`, value);
}

/** The longest time a timer can hold; here a bound that catches nonsense. */
const MAX_MS = 2_147_483_647;

export function checkDuration(option: string, value: unknown): number {
  if (typeof value === "number" && value >= 0 && value <= MAX_MS) return value;
  throw expected(option, `a number of milliseconds in 0..${MAX_MS}`, value);
}

export function checkFunction<F>(option: string, value: F): F {
  if (typeof value === "function") return value;
  throw expected(option, "a function", value);
}

export function expected(option: string, what: string, got: unknown): TypeError {
  return new TypeError(`${option}: expected ${what}, got ${describe(got)}`);
}

function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value.slice(0, 100));
  if (typeof value === "number" || typeof value === "boolean") return `${value} (${typeof value})`;
  return Array.isArray(value) ? "an array" : typeof value;
}
