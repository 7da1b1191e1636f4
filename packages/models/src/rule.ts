import { _addIssue, type BaseIssue, type BaseValidation } from "valibot";

/** A rule of one's own for `v.pipe`, with the words that its failure is told in. */
export interface Rule<T> extends BaseValidation<T, T, RuleIssue<T>> {
  readonly type: "rule";
  readonly expects: string;
  readonly requirement: RuleRequirement<T>;
}

export interface RuleRequirement<T> {
  readonly name: string;
  readonly holds: (value: T) => boolean;
}

/** What a broken rule leaves behind. */
export interface RuleIssue<T> extends BaseIssue<T> {
  readonly kind: "validation";
  readonly type: "rule";
  readonly expected: string;
  readonly requirement: RuleRequirement<T>;
}

/**
 * A check with a name: `v.check` says no more than that something is invalid.
 * @param name becomes the issue's `rule`; a stable word in snake case
 * @param expects becomes its `expected`: "without script tags"
 */
export function rule<T>(name: string, expects: string, holds: (value: T) => boolean): Rule<T> {
  return {
    kind: "validation",
    type: "rule",
    reference: rule,
    async: false,
    expects,
    requirement: { name, holds },
    "~run"(dataset, config) {
      // The value itself stays out of the issue's message, whoever reads it.
      if (dataset.typed && !holds(dataset.value)) _addIssue(this, name, dataset, config, { received: "another value" });
      return dataset;
    },
  };
}
