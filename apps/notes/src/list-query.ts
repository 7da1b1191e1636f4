import { and, type Direction, type Query } from "@db/core";
import { defineModel, type FieldSchemas, rule } from "@db/models";
import * as v from "valibot";
import { QueryFault } from "./problem.ts";
import { parseQueryString } from "./query-string.ts";
import type { Resource } from "./resource.ts";

/** Records of a page when the client does not say. */
export const DEFAULT_PAGE = 20;
export const MAX_PAGE = 100;
const MAX_CURSOR = 65_536;

/** Turns a request's URL into a query. */
export type ListQuery = (url: string) => Query;

/** @throws (the function) QueryFault naming each parameter that is wrong or unknown */
export function listQuery(resource: Resource): ListQuery {
  const filters = Object.entries(resource.filters ?? {});
  const fields: FieldSchemas = {
    limit: v.optional(v.pipe(v.string(), rule("limit", `a whole number in 1..${MAX_PAGE}`, isLimit))),
    cursor: v.optional(v.pipe(v.string(), rule("cursor", "the `next` of a page", isCursor))),
    order: v.optional(
      v.pipe(
        v.string(),
        rule("order", orderWords(resource), (text) => isOrder(resource, text)),
      ),
    ),
    ...Object.fromEntries(filters.map(([name, { schema }]) => [name, schema])),
  };
  const model = defineModel("parameters", fields);

  return (url) => {
    const given = parameters(() => model.parse(parseQueryString(url)) as Readonly<Record<string, string>>);
    const { limit, cursor, order } = given;
    const conditions = filters.flatMap(([name, { where }]) => (given[name] === undefined ? [] : [where(given[name])]));
    return {
      limit: limit === undefined ? DEFAULT_PAGE : Number(limit),
      ...(conditions.length === 0 ? {} : { where: and(...conditions) }),
      ...(order === undefined ? {} : { order: toOrder(order) }),
      ...(cursor === undefined ? {} : { after: cursor }),
    };
  };
}

export function orderWords({ order = [] }: Resource): string {
  return `one or more of ${["id", ...order].join(", ")}, each with :asc or :desc, separated by commas`;
}

function parameters<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new QueryFault(cause);
  }
}

function isLimit(text: string): boolean {
  return /^[1-9]\d{0,2}$/.test(text) && Number(text) <= MAX_PAGE;
}

function isCursor(text: string): boolean {
  return text !== "" && text.length <= MAX_CURSOR;
}

function isOrder({ order = [] }: Resource, text: string): boolean {
  const keys = text.split(",").map((key) => key.split(":"));
  const names = keys.map(([name]) => name);
  return (
    new Set(names).size === names.length &&
    keys.every(([name = "", direction = "asc", ...rest]) => {
      return ["id", ...order].includes(name) && (direction === "asc" || direction === "desc") && rest.length === 0;
    })
  );
}

function toOrder(text: string): readonly (readonly [string, Direction])[] {
  return text.split(",").map((key) => {
    const [name = "", direction] = key.split(":");
    return [name, direction === "desc" ? "desc" : "asc"] as const;
  });
}
