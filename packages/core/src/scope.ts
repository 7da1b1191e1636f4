import type { Scope } from "./context.ts";
import { expected } from "./options.ts";
import { isPlainObject, type Owns, takeValue } from "./value.ts";

/**
 * A copy of its own: the caller may change its object.
 * @throws TypeError, for a scope is part of the program; VALIDATION_FAILED for a variable's value
 */
export function checkScope(scope: Scope, owns: Owns): Scope {
  if (!isPlainObject(scope) || !isName(scope.namespace) || !isName(scope.database)) {
    throw expected("scope", "{ namespace, database } of strings that are not empty", scope);
  }
  const { namespace, database, variables } = scope;
  const unknown = Object.keys(scope).find((name) => !KEYS.includes(name));
  if (unknown !== undefined)
    throw new TypeError(`scope: unknown option "${unknown}", expected one of ${KEYS.join(", ")}`);
  if (variables === undefined) return { namespace, database };
  if (!isPlainObject(variables)) throw expected("scope.variables", "a plain object of values", variables);
  for (const name of Object.keys(variables)) {
    if (!/^[A-Za-z]\w*$/.test(name))
      throw new TypeError(`scope.variables: expected ${NAME}, got ${JSON.stringify(name)}`);
  }
  return { namespace, database, variables: takeValue(variables, ["scope", "variables"], owns) };
}

function isName(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

const KEYS: readonly string[] = ["namespace", "database", "variables"];
const NAME = "names of a letter and then letters, digits or underscores";
