import { checkDuration, checkFunction, checkInteger, checkKeys, expected } from "./options.ts";
import type { SlowCall } from "./slow-calls.ts";

/** Limits of its own for an operation, a collection, or one in the other. What is left out applies to all. */
export interface SlowCallRule {
  readonly operation?: string;
  readonly collection?: string;
  /** Default: that of the options. */
  readonly thresholdMs?: number;
  /** Default: that of the options. */
  readonly alertMs?: number;
}

/** What `watchSlowCalls` takes. */
export interface SlowCallOptions {
  /** Called with each call that took `thresholdMs` or longer, as far as `maxPerMinute` allows. */
  readonly log: (call: SlowCall) => unknown;
  /** Called with each call that took `alertMs` or longer, as far as `maxAlertsPerMinute` allows. Default none. */
  readonly alert?: (call: SlowCall) => unknown;
  /** In milliseconds, 0 or more. Default 1,000. */
  readonly thresholdMs?: number;
  /** In milliseconds, `thresholdMs` or more. Default 10,000: a third of the default deadline of a call. */
  readonly alertMs?: number;
  /** The first that applies counts. Default none. */
  readonly rules?: readonly SlowCallRule[];
  /** Of each operation and collection; an integer of 1 or more. Default 10: in an outage all calls are slow. */
  readonly maxPerMinute?: number;
  /** Of each operation and collection; an integer of 1 or more. Default 1. */
  readonly maxAlertsPerMinute?: number;
}

export interface SlowCallSettings extends Required<Omit<SlowCallOptions, "rules">> {
  readonly rules: readonly (SlowCallRule & { readonly thresholdMs: number; readonly alertMs: number })[];
  /** Below this no limit is reached. */
  readonly leastMs: number;
}

const KEYS = ["log", "alert", "thresholdMs", "alertMs", "rules", "maxPerMinute", "maxAlertsPerMinute"];
const RULE_KEYS = ["operation", "collection", "thresholdMs", "alertMs"];

/** @throws TypeError for an option that is unknown or wrong */
export function readSlowCallOptions(options: SlowCallOptions): SlowCallSettings {
  checkKeys("watchSlowCalls", options, KEYS);
  const { log, alert = () => {}, thresholdMs = 1_000, rules = [], maxPerMinute = 10, maxAlertsPerMinute = 1 } = options;
  checkFunction("log", log);
  checkFunction("alert", alert);
  const limits = checkLimits("", thresholdMs, options.alertMs ?? Math.max(10_000, thresholdMs));
  if (!Array.isArray(rules)) throw expected("rules", "an array of rules", rules);
  const checked = (rules as readonly SlowCallRule[]).map((rule, index) => checkRule(`rules[${index}]`, rule, limits));
  return {
    log,
    alert,
    ...limits,
    rules: checked,
    maxPerMinute: checkInteger("maxPerMinute", maxPerMinute, 1, 1_000_000),
    maxAlertsPerMinute: checkInteger("maxAlertsPerMinute", maxAlertsPerMinute, 1, 1_000_000),
    leastMs: Math.min(limits.thresholdMs, ...checked.map((rule) => rule.thresholdMs)),
  };
}

interface Limits {
  readonly thresholdMs: number;
  readonly alertMs: number;
}

function checkRule(name: string, rule: SlowCallRule, defaults: Limits): SlowCallRule & Limits {
  checkKeys(name, rule, RULE_KEYS);
  const { operation, collection, thresholdMs = defaults.thresholdMs } = rule;
  if (operation === undefined && collection === undefined) {
    throw new TypeError(`${name}: expected an operation or a collection, got neither`);
  }
  for (const [key, value] of Object.entries({ operation, collection })) {
    if (value !== undefined && typeof value !== "string") throw expected(`${name}.${key}`, "a string", value);
  }
  const alertMs = rule.alertMs ?? Math.max(defaults.alertMs, thresholdMs);
  return { ...rule, ...checkLimits(`${name}.`, thresholdMs, alertMs) };
}

function checkLimits(prefix: string, thresholdMs: number, alertMs: number): Limits {
  checkDuration(`${prefix}thresholdMs`, thresholdMs);
  checkDuration(`${prefix}alertMs`, alertMs);
  if (alertMs >= thresholdMs) return { thresholdMs, alertMs };
  throw expected(`${prefix}alertMs`, `${thresholdMs} or more, the thresholdMs`, alertMs);
}
