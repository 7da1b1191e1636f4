import { type BulkItem, type BulkOutcome, bulkCreate, invalid, isDatabaseError, isPlainObject } from "@db/core";
import type { AnyModel } from "@db/models";
import type { Context } from "hono";
import { readJson } from "./body.ts";
import type { AppEnv } from "./env.ts";
import { fromJson, toJson } from "./json-fields.ts";
import { locationOf } from "./location.ts";
import { type ProblemDocument, problemOf } from "./problem.ts";
import type { ResourceContext } from "./resource-routes.ts";

export const MAX_ITEMS = 1_000;
/** Of those that are written at the same time. */
const CONCURRENCY = 16;

type Outcome =
  | { readonly status: 201 | 202; readonly id: string; readonly operationId: string; readonly location: string }
  | { readonly status: number; readonly problem: ProblemDocument };

/**
 * Makes many records, each for itself: one that fails leaves the others alone, and the outcomes stand in the order of the
 * items (207, RFC 4918).
 */
export async function createMany(
  c: Context<AppEnv>,
  model: AnyModel,
  input: AnyModel,
  { db, bodyLimitBytes }: ResourceContext,
): Promise<Response> {
  const { raw } = c.req;
  const items = itemsIn(await readJson(raw, bodyLimitBytes * 10));
  const faults = new Map<number, unknown>();
  const sound: BulkItem[] = [];
  for (const [index, item] of items.entries()) {
    try {
      sound.push({ data: model.parse(input.parse(fromJson(model, item)) as never) as never });
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      faults.set(index, error);
    }
  }
  const written = await bulkCreate(db, model.collection, sound, { concurrency: CONCURRENCY, signal: raw.signal });
  let next = 0;
  const outcomes = items.map((_, index): Outcome => {
    if (faults.has(index)) return failed(faults.get(index));
    const outcome = written[next] ?? { status: "skipped" };
    next += 1;
    return outcomeOf(outcome, model);
  });
  return c.body(toJson({ items: outcomes }), 207, { "content-type": "application/json" });
}

/** @throws VALIDATION_FAILED */
function itemsIn(body: unknown): readonly unknown[] {
  const items = isPlainObject(body) ? body.items : undefined;
  if (!Array.isArray(items) || items.length === 0 || items.length > MAX_ITEMS)
    throw invalid(["items"], "items", `a list of 1..${MAX_ITEMS} records`);
  return items;
}

function outcomeOf(outcome: BulkOutcome, { collection }: AnyModel): Outcome {
  switch (outcome.status) {
    case "done": {
      const { id, operationId, status } = outcome.result;
      return { status: status === "queued" ? 202 : 201, id, operationId, location: locationOf(collection, id) };
    }
    case "failed":
      return failed(outcome.error);
    default:
      return failed(undefined);
  }
}

function failed(error: unknown): Outcome {
  const problem = problemOf(error);
  return { status: problem.status, problem };
}
