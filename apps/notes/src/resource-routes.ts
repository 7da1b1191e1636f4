import { DatabaseErrorOf, type DatabaseService } from "@db/core";
import { repository } from "@db/models";
import { type Context, Hono } from "hono";
import { describeRoute } from "hono-openapi";
import { readJson } from "./body.ts";
import { createMany } from "./bulk-route.ts";
import { asSeen, checkIfMatch, entityTag, isNotModified } from "./conditional.ts";
import type { AppEnv } from "./env.ts";
import { errorFacts } from "./error-facts.ts";
import { ndjson } from "./export.ts";
import { fromJson, toJson } from "./json-fields.ts";
import { listQuery } from "./list-query.ts";
import { locationOf } from "./location.ts";
import type { Logger } from "./logger.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import { operations } from "./operations.ts";
import { idIn } from "./path-id.ts";
import { type Resource, writable } from "./resource.ts";

export interface ResourceContext {
  readonly db: DatabaseService;
  readonly logger: Logger;
  /** Of a request's body; ten times as much where it holds many records. */
  readonly bodyLimitBytes: number;
}

/**
 * The routes of one resource: make, list, get, change and remove; make many, and export all. The request's signal goes
 * down to the database: who hangs up is not worked for.
 */
export function resourceRoutes(resource: Resource, context: ResourceContext): Hono<AppEnv> {
  const { db, logger, bodyLimitBytes } = context;
  const { model, noun } = resource;
  const records = repository(db, model);
  const input = writable(resource);
  const toQuery = listQuery(resource);
  const about = operations(resource);
  const collectionPath = `/${model.collection}`;
  const bulkPath = `${collectionPath}/bulk`;
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

  app.post(collectionPath, describeRoute(about.create), async (c) => {
    const { raw } = c.req;
    const data = input.parse(fromJson(model, await readJson(raw, bodyLimitBytes)));
    const { id, record } = await records.create(data, { signal: raw.signal });
    c.header("location", locationOf(model.collection, id));
    return json(c, 201, record);
  });

  app.get(collectionPath, describeRoute(about.list), async (c) => {
    const page = await records.findMany(toQuery(c.req.url), { signal: c.req.raw.signal });
    return c.body(toJson(page), 200, JSON_TYPE);
  });

  app.post(bulkPath, describeRoute(about.createMany), (c) => createMany(c, model, input, context));

  app.get(exportPath, describeRoute(about.exportAll), (c) => {
    const all = records.stream({}, { signal: c.req.raw.signal });
    return ndjson(all, (error) => logger.error({ error: errorFacts(error) }, "the export broke off"));
  });

  app.get(recordPath, describeRoute(about.get), async (c) => {
    const record = await find(model.Id.parse(idIn(c.req.url)), c.req.raw.signal);
    if (!isNotModified(c.req.header("if-none-match"), entityTag(toJson(record)))) return json(c, 200, record);
    return c.body(null, 304, { etag: entityTag(toJson(record)) });
  });

  app.patch(recordPath, describeRoute(about.change), async (c) => {
    const { raw } = c.req;
    const id = model.Id.parse(idIn(c.req.url));
    const patch = input.parsePatch(fromJson(model, await readJson(raw, bodyLimitBytes)));
    const expect = await guard(c, id);
    const { record } = await records.update(id, patch, { ...expect, returning: true, signal: raw.signal });
    return json(c, 200, record);
  });

  app.delete(recordPath, describeRoute(about.remove), async (c) => {
    const id = model.Id.parse(idIn(c.req.url));
    await records.delete(id, { ...(await guard(c, id)), signal: c.req.raw.signal });
    return c.body(null, 204);
  });

  app.all(collectionPath, methodNotAllowed("GET, HEAD, POST"));
  app.all(bulkPath, methodNotAllowed("POST"));
  app.all(exportPath, methodNotAllowed("GET, HEAD"));
  app.all(recordPath, methodNotAllowed("GET, HEAD, PATCH, DELETE"));
  return app;
}

const JSON_TYPE = { "content-type": "application/json" };

/** A record, with the tag that a later change can be made to depend on. */
function json(c: Context, status: 200 | 201, record: unknown): Response {
  const text = toJson(record);
  return c.body(text, status, { ...JSON_TYPE, etag: entityTag(text) });
}
