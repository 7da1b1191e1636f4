import { checkKeys } from "@db/core";
import type { MockCall, MockCallKind } from "./call-log.ts";

/** Which calls a scripted behaviour is for. */
export interface ScriptOptions {
  /** Default: every statement, `begin` and `commit`. */
  readonly kind?: MockCallKind | readonly MockCallKind[];
  /** How many calls, 1 or more; `Infinity` for all to come. Default 1. */
  readonly times?: number;
  /**
   * `before` (default): nothing has been done to the data. `after`: the call has been carried out and only its answer is
   * concerned.
   */
  readonly when?: "before" | "after";
}

/** An error, or a function that chooses one by the call; one that returns undefined lets the call pass uncounted. */
export type Failure = Error | ((call: MockCall) => Error | undefined);

export type Behaviour =
  | { readonly act: "delay"; readonly ms: number }
  | { readonly act: "hang" }
  | { readonly act: "fail"; readonly failure: Failure };

interface Rule {
  readonly behaviour: Behaviour;
  readonly kinds: ReadonlySet<MockCallKind>;
  readonly when: "before" | "after";
  left: number;
}

/** What awaits one call at one point. */
export interface Plan {
  readonly delayMs: number;
  readonly hang: boolean;
  readonly error: Error | undefined;
}

export interface Plans {
  readonly before: Plan;
  readonly after: Plan;
}

const DEFAULT_KINDS: readonly MockCallKind[] = [
  "create",
  "read",
  "update",
  "delete",
  "find",
  "count",
  "query",
  "begin",
  "commit",
];
const OTHER_KINDS: readonly MockCallKind[] = ["rollback", "connect", "disconnect", "ping", "version", "wasApplied"];
const KINDS: readonly unknown[] = [...DEFAULT_KINDS, ...OTHER_KINDS];
const NOTHING: Plan = { delayMs: 0, hang: false, error: undefined };

/** Behaviours that wait for the calls they are for. A call takes at most one of each act, the oldest. */
export class Script {
  #rules: Rule[] = [];

  /**
   * Returns the function that takes the behaviour back.
   * @throws TypeError for an option that is unknown or wrong: what no call ever meets would let a test pass
   */
  add(behaviour: Behaviour, options: ScriptOptions): () => void {
    checkKeys("script", options, ["kind", "times", "when"]);
    const { kind = DEFAULT_KINDS, times = 1, when = "before" } = options;
    const kinds = new Set(typeof kind === "string" ? [kind] : kind);
    for (const wanted of kinds) {
      if (!KINDS.includes(wanted)) {
        throw new TypeError(`kind: expected one or several of ${KINDS.join(", ")}, got ${String(wanted)}`);
      }
    }
    if (when !== "before" && when !== "after") {
      throw new TypeError(`when: expected before or after, got ${String(when)}`);
    }
    if (!(times === Number.POSITIVE_INFINITY || Number.isInteger(times)) || times < 1) {
      throw new TypeError(`times: expected an integer of 1 or more or Infinity, got ${times}`);
    }
    const rule: Rule = { behaviour, kinds, when, left: times };
    this.#rules.push(rule);
    return () => {
      this.#rules = this.#rules.filter((other) => other !== rule);
    };
  }

  /** The plans of a call; counts it. Undefined where nothing is scripted. */
  take(call: MockCall): Plans | undefined {
    if (this.#rules.length === 0) return undefined;
    const plans = { before: { ...NOTHING }, after: { ...NOTHING } };
    const acted = new Set<Behaviour["act"]>();
    for (const rule of this.#rules) {
      const { behaviour, kinds, when } = rule;
      if (!kinds.has(call.kind) || acted.has(behaviour.act)) continue;
      if (behaviour.act === "fail") {
        const { failure } = behaviour;
        const error = typeof failure === "function" ? failure(call) : failure;
        if (error === undefined) continue;
        plans[when].error = error;
      } else if (behaviour.act === "delay") plans[when].delayMs = behaviour.ms;
      else plans[when].hang = true;
      acted.add(behaviour.act);
      rule.left -= 1;
    }
    this.#rules = this.#rules.filter((rule) => rule.left > 0);
    return plans;
  }
}
