import { DatabaseErrorOf, type DatabaseService, type WriteResult } from "@db/core";
import { repository } from "@db/models";
import { type Context, Hono } from "hono";
import { describeRoute } from "hono-openapi";
import { parseJson, readJson, readText } from "./body.ts";
import { createMany } from "./bulk-route.ts";
import { changes } from "./changes-route.ts";
import { asSeen, checkIfMatch, entityTag, isNotModified } from "./conditional.ts";
import type { AppEnv } from "./env.ts";
import { errorFacts } from "./error-facts.ts";
import type { EventStreams } from "./event-streams.ts";
import { ndjson } from "./export.ts";
import { IdempotentRequests, type Repeatable, readIdempotencyKey } from "./idempotency.ts";
import { fromJson, toJson } from "./json-fields.ts";
import { listQuery } from "./list-query.ts";
import { locationOf } from "./location.ts";
import type { Logger } from "./logger.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import { operations } from "./operations.ts";
import { idIn } from "./path-id.ts";
import { Places } from "./places.ts";
import { type Resource, writable } from "./resource.ts";

export interface ResourceContext {
  readonly db: DatabaseService;
  readonly logger: Logger;
  /** Where open streams are kept, to be ended when the service stops. */
  readonly streams: EventStreams;
  /** Of a request's body; ten times as much where it holds many records. */
  readonly bodyLimitBytes: number;
}

/**
 * The routes of one resource: make, list, get, change and remove; make many, and export all. The request's signal goes
 * down to the database: who hangs up is not worked for.
 */
export function resourceRoutes(resource: Resource, context: ResourceContext): Hono<AppEnv> {
  const { db, logger, streams, bodyLimitBytes } = context;
  const { model, noun } = resource;
  const records = repository(db, model);
  const input = writable(resource);
  const toQuery = listQuery(resource);
  const about = operations(resource);
  const collectionPath = `/${model.collection}`;
  const bulkPath = `${collectionPath}/bulk`;
  const changesPath = `${collectionPath}/changes`;
  const exportPath = `${collectionPath}/export`;
  const recordPath = `${collectionPath}/:id`;
  const app = new Hono<AppEnv>();

  const find = async (id: string, signal: AbortSignal): Promise<object> => {
    const record = await records.findById(id as never, { signal });
    if (record === undefined) throw new DatabaseErrorOf("NOT_FOUND", `no ${noun} has this id`, { id });
    return record;
  };
  /** What a change is guarded by: nothing, or the record as its client has seen it. */
  const guard = async (c: Context, id: string): Promise<{ readonly expect?: never }> => {
    const header = c.req.header("if-match");
    if (header === undefined) return {};
    const record = await find(id, c.req.raw.signal);
    checkIfMatch(header, entityTag(toJson(record)), id);
    return { expect: asSeen(model, record) as never };
  };

  const sorting = new Places(MAX_SORTED_LISTS, "lists with an order by a field");
  const idempotent = new IdempotentRequests();
  const create = async (c: Context, text: string, as?: Repeatable): Promise<Response> => {
    const { signal } = c.req.raw;
    const data = input.parse(fromJson(model, parseJson(text)));
    const identity = as === undefined ? {} : { ...as, id: model.Id.parse(`${model.collection}:${as.recordKey}`) };
    const { recordKey: _, ...options } = { recordKey: "", ...identity, signal };
    const written = await records.create(data, options);
    c.header("location", locationOf(model.collection, written.id));
    if (written.status === "queued") return accepted(c, written);
    if (as === undefined) return json(c, 201, written.record);
    // A repeat is answered with what its first time has stored. It is done, also where that cannot be read.
    const record = await records.findById(written.id as never, { signal }).catch(() => undefined);
    return json(c, 201, record ?? written.record);
  };

  app.post(collectionPath, describeRoute(about.create), async (c) => {
    const key = readIdempotencyKey(c.req.header("idempotency-key"));
    const text = await readText(c.req.raw, bodyLimitBytes);
    return key === undefined
      ? create(c, text)
      : idempotent.run(`POST ${collectionPath}`, key, text, (as) => create(c, text, as));
  });

  app.get(collectionPath, describeRoute(about.list), async (c) => {
    const query = toQuery(c.req.url);
    const read = () => records.findMany(query, { signal: c.req.raw.signal });
    const page = await (query.order?.some(([field]) => field !== "id") ? sorting.take(read) : read());
    return c.body(toJson(page), 200, JSON_TYPE);
  });

  app.post(bulkPath, describeRoute(about.createMany), (c) => createMany(c, model, input, context));

  app.get(exportPath, describeRoute(about.exportAll), (c) => {
    const all = records.stream({}, { signal: c.req.raw.signal });
    const outgoing = c.env?.outgoing;
    return ndjson(all, {
      onFault: (error) => logger.error({ error: errorFacts(error) }, "the export broke off"),
      cut: outgoing && (() => outgoing.destroy()),
    });
  });

  app.get(changesPath, describeRoute(about.changes), (c) => changes(model, { db, streams, signal: c.req.raw.signal }));

  // Before the record's routes, to which these paths would be ids.
  app.all(bulkPath, methodNotAllowed("POST"));
  for (const path of [exportPath, changesPath]) app.all(path, methodNotAllowed("GET, HEAD"));

  app.get(recordPath, describeRoute(about.get), async (c) => {
    const record = await find(model.Id.parse(idIn(c.req.url)), c.req.raw.signal);
    if (!isNotModified(c.req.header("if-none-match"), entityTag(toJson(record)))) return json(c, 200, record);
    return c.body(null, 304, { etag: entityTag(toJson(record)) });
  });

  app.patch(recordPath, describeRoute(about.change), async (c) => {
    const { raw } = c.req;
    const { signal } = raw;
    const id = model.Id.parse(idIn(c.req.url));
    const patch = input.parsePatch(fromJson(model, await readJson(raw, bodyLimitBytes)));
    const { expect } = await guard(c, id);
    // What depends on the record as it is now cannot wait for later.
    if (expect !== undefined) {
      const { record } = await records.update(id, patch, { expect, returning: true, signal });
      return json(c, 200, record);
    }
    const written = await records.update(id, patch, { signal });
    if (written.status === "queued") return accepted(c, written);
    // It is done: that the answer could not be read must not make it look undone.
    const record = await records.findById(id, { signal }).catch(() => undefined);
    return record === undefined ? c.body(null, 204) : json(c, 200, record);
  });

  app.delete(recordPath, describeRoute(about.remove), async (c) => {
    const id = model.Id.parse(idIn(c.req.url));
    const written = await records.delete(id, { ...(await guard(c, id)), signal: c.req.raw.signal });
    return written.status === "queued" ? accepted(c, written) : c.body(null, 204);
  });

  app.all(collectionPath, methodNotAllowed("GET, HEAD, POST"));
  app.all(recordPath, methodNotAllowed("GET, HEAD, PATCH, DELETE"));
  return app;
}

/** Each reads and sorts all that its filters leave; so many of a second each still end within their deadline. */
const MAX_SORTED_LISTS = 16;
const JSON_TYPE = { "content-type": "application/json" };

/** Stored where it survives the service, and applied once the database is there. */
function accepted(c: Context, { id, operationId }: Pick<WriteResult, "id" | "operationId">): Response {
  return c.body(toJson({ id, operationId, status: "queued" }), 202, JSON_TYPE);
}

/** A record, with the tag that a later change can be made to depend on. */
function json(c: Context, status: 200 | 201, record: unknown): Response {
  const text = toJson(record);
  return c.body(text, status, { ...JSON_TYPE, etag: entityTag(text) });
}
