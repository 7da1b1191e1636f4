import type { CallContext, Scope } from "@db/core";
import type { Statement } from "./find-text.ts";

export type Place = Pick<Scope, "namespace" | "database">;

/** Tells places apart; the length keeps one name from running into the other. */
export function placeKey({ namespace, database }: Place): string {
  return `${namespace.length}:${namespace}${database}`;
}

/**
 * The values of a statement beside the variables of its scope. Variables go with each statement and are never set on a
 * session, so there is nothing to take back before the next tenant has it.
 */
export function valuesIn({ scope }: CallContext, values: Statement["values"]): { [name: string]: unknown } {
  return { ...scope?.variables, ...values };
}
