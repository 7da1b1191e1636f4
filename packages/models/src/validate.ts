import { DatabaseErrorOf, type Issue, isPlainObject, setField, toDatabaseError, unsupported } from "@db/core";
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
    const [first] = result.issues ?? [];
    if (first !== undefined) issues.push(toIssue(name, first));
    else if ("value" in result && (result.value !== undefined || given)) setField(values, name, result.value);
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
  let result: ReturnType<StandardSchema["~standard"]["validate"]>;
  try {
    result = schema["~standard"].validate(value);
  } catch (thrown) {
    throw toDatabaseError(thrown, "none");
  }
  if (result instanceof Promise) throw unsupported("a schema that validates asynchronously");
  return result;
}

/** Valibot's schema for a field that may be missing but not `undefined`. */
function isExactOptional(schema: StandardSchema): boolean {
  return "type" in schema && schema.type === "exact_optional";
}
