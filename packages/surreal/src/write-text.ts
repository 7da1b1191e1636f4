import type { Fields, OperationOf } from "@db/core";
import type { Dialect } from "./dialect.ts";
import { all } from "./filter-text.ts";
import type { Statement } from "./find-text.ts";
import { Parameters } from "./identifier.ts";
import { recordOf } from "./row.ts";

/**
 * Each write is one statement, so one transaction, and decides before it changes anything: inside an interactive
 * transaction engine 3.0.2 does not undo what a failed statement did.
 *
 * An update answers `{ row }` where it was done and a delete the row, else which of the reasons it was not: `MISSING`,
 * `MISMATCH`, or for an increment the position of the first field that is no number.
 */
export const MISSING = 0;
export const MISMATCH = 1;
/** The first field's; the next ones follow. */
export const NOT_A_NUMBER = 2;

/** Answers the row where it is wanted. */
export function createText({ id, data, returning }: OperationOf<"create">, dialect: Dialect): Statement {
  const values = { _id: recordOf(id), _data: data };
  return { text: dialect.one("CREATE", `$_id CONTENT $_data RETURN ${returning ? "AFTER" : "NONE"}`), values };
}

export function updateText(operation: OperationOf<"update">, dialect: Dialect): Statement {
  const { id, expect, returning } = operation;
  const parameters = new Parameters(dialect);
  const record = parameters.bind(recordOf(id));
  const numbers =
    operation.mode === "increment"
      ? Object.entries(operation.data).map(([name, by]) => numberText(name, by, parameters))
      : [];
  const content = contentText(operation, numbers, parameters);
  const checks = expectText(expect, parameters);
  const guards = [...checks, ...numbers.map(({ guard }) => guard)];
  const answer = returning ? "{ row: $after }" : "{ row: true }";
  const rest = `${record} CONTENT ${content}${whereText(guards)} RETURN VALUE ${answer}`;
  const update = dialect.one("UPDATE", rest);
  return { text: guarded(update, record, checks, numbers), values: parameters.values };
}

/** Answers the row that was, where it did something. */
export function deleteText({ id, expect }: OperationOf<"delete">, dialect: Dialect): Statement {
  const parameters = new Parameters(dialect);
  const record = parameters.bind(recordOf(id));
  const checks = expectText(expect, parameters);
  // RETURN VALUE would evaluate the table's computed fields on the record that is gone, and fail.
  const text = dialect.one("DELETE", `${record}${whereText(checks)} RETURN BEFORE`);
  return { text: guarded(text, record, checks, []), values: parameters.values };
}

function contentText(
  { mode, data, remove }: OperationOf<"update">,
  numbers: readonly NumberText[],
  parameters: Parameters,
): string {
  const { dialect } = parameters;
  switch (mode) {
    case "replace":
      return parameters.bind(data);
    case "increment":
      return dialect.extend("$this", `object::from_entries([${numbers.map(({ entry }) => entry).join(", ")}])`);
    default: {
      const kept = remove.length === 0 ? "$this" : dialect.remove("$this", parameters.bind(remove));
      return dialect.extend(kept, parameters.bind(data));
    }
  }
}

interface NumberText {
  readonly guard: string;
  readonly entry: string;
}

/** CONTENT is evaluated even where WHERE is false, so the addition has a guard of its own. */
function numberText(name: string, by: unknown, parameters: Parameters): NumberText {
  const { dialect } = parameters;
  const field = parameters.bind(name);
  const found = `$this[${field}]`;
  const addend = parameters.bind(by);
  const bound = parameters.bind(Number.MAX_VALUE);
  const estimate = `(<float> ${found} + <float> ${addend})`;
  // Floats run over into Infinity, which no portable value is; integers that do are refused by the engine itself.
  const finite = `${estimate} <= ${bound} AND ${estimate} >= -${bound}`;
  const isNumber = dialect.is("number", found);
  const guard = `(${dialect.is("none", found)} OR (${isNumber} AND ${finite}))`;
  const sum = `IF ${isNumber} { ${found} + ${addend} } ELSE { ${addend} }`;
  return { guard, entry: `[${field}, ${sum}]` };
}

function expectText(expect: Fields | undefined, parameters: Parameters): readonly string[] {
  return Object.entries(expect ?? {}).map(
    ([name, value]) => `(${parameters.path([name])} ?? NULL) == ${parameters.bind(value)}`,
  );
}

/** The statement alone where only a missing record can stop it; else the reason, asked for when it did nothing. */
function guarded(text: string, record: string, checks: readonly string[], numbers: readonly NumberText[]): string {
  if (checks.length === 0 && numbers.length === 0) return text;
  const reasons = numbers.map(({ guard }, index) => `ELSE IF !${guard} { ${NOT_A_NUMBER + index} }`).join(" ");
  const why = `IF !${all(checks)} { ${MISMATCH} } ${reasons} ELSE { ${MISSING} }`;
  return `(${text}) ?? ((SELECT VALUE (${why}) FROM ONLY ${record}) ?? ${MISSING})`;
}

function whereText(conditions: readonly string[]): string {
  return conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
}
