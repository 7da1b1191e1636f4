import { MAX_TIMER_MS, type PoolHooks, type PoolOptions, type Settings } from "./options.ts";
import type { ShedOptions } from "./shedding.ts";

const DEFAULTS = {
  name: "pool",
  max: 10,
  min: 0,
  acquireTimeoutMs: 10_000,
  createTimeoutMs: 5_000,
  idleTimeoutMs: 300_000,
  maxLifetimeMs: 1_800_000,
  validateAfterIdleMs: 1_000,
  healthCheckIntervalMs: 120_000,
  unavailableAfterMs: 30_000,
  leakWarnMs: 60_000,
  maxWaiting: 10_000,
  createConcurrency: 4,
  maxBackoffMs: 5_000,
  idleOrder: "lifo",
  lifetimeJitter: 0.1,
  validateTimeoutMs: 5_000,
  destroyTimeoutMs: 5_000,
  leakStackRatio: 0,
} as const;

const MAX_SIZE = 100_000;
const HOOKS = ["create", "destroy", "validate", "reset", "classify"] as const;
const KNOWN: readonly string[] = [...HOOKS, ...Object.keys(DEFAULTS), "shed"];

/** @throws TypeError for an unknown option or a value outside its bounds */
export function readSettings<T>(options: PoolOptions<T>): Settings<T> {
  if (typeof options !== "object" || options === null) throw expected("options", "an object", options);
  checkKeys("ConnectionPool", options, KNOWN);
  const o = { ...DEFAULTS, ...withoutUndefined(options) };
  if (typeof o.name !== "string" || o.name === "") throw expected("name", "a string that is not empty", o.name);
  checkInteger("max", o.max, 1, MAX_SIZE);
  checkInteger("min", o.min, 0, o.max);
  for (const key of [
    "acquireTimeoutMs",
    "createTimeoutMs",
    "maxBackoffMs",
    "validateTimeoutMs",
    "destroyTimeoutMs",
  ] as const)
    checkDuration(key, o[key]);
  for (const key of [
    "idleTimeoutMs",
    "maxLifetimeMs",
    "healthCheckIntervalMs",
    "unavailableAfterMs",
    "leakWarnMs",
  ] as const)
    if (o[key] !== Number.POSITIVE_INFINITY) checkDuration(key, o[key], " or Infinity");
  if (o.validateAfterIdleMs !== 0 && o.validateAfterIdleMs !== Number.POSITIVE_INFINITY)
    checkDuration("validateAfterIdleMs", o.validateAfterIdleMs, ", 0 or Infinity");
  checkInteger("maxWaiting", o.maxWaiting, 1, 10_000_000);
  checkInteger("createConcurrency", o.createConcurrency, 1, MAX_SIZE);
  checkRatio("lifetimeJitter", o.lifetimeJitter);
  checkRatio("leakStackRatio", o.leakStackRatio);
  checkOneOf("idleOrder", o.idleOrder, ["lifo", "fifo"]);
  // All of no end at all would be no number.
  const lifetimeJitter = o.maxLifetimeMs === Number.POSITIVE_INFINITY ? 0 : o.lifetimeJitter;
  return Object.freeze({ ...o, lifetimeJitter, ...readHooks(options), shed: readShed(o.shed) });
}

function readHooks<T>(options: PoolOptions<T>): PoolHooks<T> {
  for (const hook of HOOKS) {
    const optional = hook !== "create" && hook !== "destroy";
    const value: unknown = options[hook];
    if (typeof value !== "function" && !(optional && value === undefined)) throw expected(hook, "a function", value);
  }
  // Bound, since the hooks may be the methods of the object that they come in.
  return {
    create: options.create.bind(options),
    destroy: options.destroy.bind(options),
    validate: options.validate?.bind(options),
    reset: options.reset?.bind(options),
    classify: options.classify?.bind(options),
  };
}

function readShed(shed: ShedOptions | undefined): ShedOptions | undefined {
  if (shed === undefined) return undefined;
  if (typeof shed !== "object" || shed === null) throw expected("shed", "an object", shed);
  checkKeys("shed", shed, ["targetMs", "intervalMs"]);
  const { targetMs = 50, intervalMs = 1_000 } = shed;
  checkDuration("shed.targetMs", targetMs);
  checkDuration("shed.intervalMs", intervalMs);
  return { targetMs, intervalMs };
}

/** An option that is `undefined` is one that is not given, as a conditional in an object literal leaves it. */
function withoutUndefined<O extends object>(options: O): O {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as O;
}

export function checkKeys(subject: string, options: object, known: readonly string[]): void {
  for (const key of Object.keys(options))
    if (!known.includes(key))
      throw new TypeError(`${subject}: unknown option "${key}", expected one of ${known.join(", ")}`);
}

export function checkDuration(option: string, value: unknown, orElse = ""): void {
  if (typeof value === "number" && value > 0 && value <= MAX_TIMER_MS) return;
  throw expected(option, `a number of milliseconds in 1..${MAX_TIMER_MS}${orElse}`, value);
}

export function checkInteger(option: string, value: unknown, min: number, max: number): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return;
  throw expected(option, `an integer in ${min}..${max}`, value);
}

export function checkOneOf(option: string, value: unknown, known: readonly string[]): void {
  if (typeof value === "string" && known.includes(value)) return;
  throw expected(option, known.map((name) => `"${name}"`).join(" or "), value);
}

function checkRatio(option: string, value: unknown): void {
  if (typeof value === "number" && value >= 0 && value <= 1) return;
  throw expected(option, "a number in 0..1", value);
}

export function expected(option: string, what: string, got: unknown): TypeError {
  return new TypeError(`${option}: expected ${what}, got ${describe(got)}`);
}

/** Its type and, where that is safe and short, the value. */
function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "number" || typeof value === "boolean") return `${value} (${typeof value})`;
  if (typeof value !== "object") return typeof value;
  return Array.isArray(value) ? "an array" : "an object";
}
