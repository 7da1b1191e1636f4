import {
  copyValue,
  DatabaseErrorOf,
  type Issue,
  isPlainObject,
  setField,
  toDatabaseError,
  unsupported,
} from "@db/core";
import { shortName, toIssue } from "./issue.ts";
import type { FieldSchemas, StandardResult, StandardSchema } from "./standard-schema.ts";

/** A hostile object can have any number of unknown fields; more than this tells nobody anything. */
const MAX_UNKNOWN = 20;

export interface Validated {
  readonly values: { readonly [field: string]: unknown };
  readonly issues: readonly Issue[];
}

/**
 * Checks the named fields, each by its own schema, and keeps the first issue of each. An `undefined` result leaves the
 * field out unless it was given.
 */
export function validateFields(
  schemas: FieldSchemas,
  input: { readonly [field: string]: unknown },
  names: readonly string[],
): Validated {
  const values: { [field: string]: unknown } = {};
  const issues: Issue[] = [];
  for (const name of names) {
    const schema = schemas[name];
    if (schema === undefined) continue;
    const given = Object.hasOwn(input, name);
    if (!given && isExactOptional(schema)) continue;
    const result = run(schema, given ? input[name] : undefined);
    if (result.issues !== undefined) issues.push(toIssue(name, result.issues[0] ?? { message: "" }));
    else if (given) setField(values, name, result.value);
    // A default may be one object for all records: what becomes of one must not change the others.
    else if (result.value !== undefined) setField(values, name, copyValue(result.value));
  }
  return { values, issues };
}

/** @throws VALIDATION_FAILED where there are issues, or fields of the input that no schema knows */
export function assertNoIssues(subject: string, schemas: FieldSchemas, input: object, issues: readonly Issue[]): void {
  const unknown = Object.keys(input).filter((name) => !Object.hasOwn(schemas, name));
  const told = unknown.slice(0, MAX_UNKNOWN).map((name): Issue => {
    return { path: [shortName(name)], rule: "unknown_field", expected: "absent" };
  });
  const all = [...issues, ...told];
  if (all.length > 0) throw failure(subject, all, issues.length + unknown.length);
}

/** @throws VALIDATION_FAILED; a class instance is no plain object, and neither is a Map or an array */
export function assertPlainObject(
  subject: string,
  input: unknown,
): asserts input is { readonly [field: string]: unknown } {
  if (!isPlainObject(input)) throw failure(subject, [{ path: [], rule: "type", expected: "a plain object of fields" }]);
}

/** @param count of all issues, where not all are told */
export function failure(
  subject: string,
  issues: readonly Issue[],
  count: number = issues.length,
): DatabaseErrorOf<"VALIDATION_FAILED"> {
  const [first] = issues;
  const at = shortName(first?.path.join(".") ?? "") || "the value";
  const more = count > 1 ? `, and ${count - 1} more` : "";
  return new DatabaseErrorOf(
    "VALIDATION_FAILED",
    `${subject}: expected ${at} to be ${first?.expected ?? "valid"}${more}`,
    { issues },
  );
}

function run(schema: StandardSchema, value: unknown): StandardResult<unknown> {
  const result = ownCode(() => schema["~standard"].validate(value));
  if (result instanceof Promise || typeof (result as { readonly then?: unknown } | undefined)?.then === "function")
    throw unsupported("a schema that validates asynchronously");
  // What is neither must not pass for a field that was left out.
  if (typeof result !== "object" || result === null || !("value" in result || Array.isArray(result.issues)))
    throw toDatabaseError(new TypeError("a schema answered with neither a value nor issues"), "none");
  return result;
}

/** Runs what belongs to the program: a fault of it is none of the input's. @throws INTERNAL */
export function ownCode<T>(run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    throw toDatabaseError(thrown, "none");
  }
}

/** Valibot's schema for a field that may be missing but not `undefined`. */
function isExactOptional(schema: StandardSchema): boolean {
  return "type" in schema && schema.type === "exact_optional";
}
