import { DatabaseErrorOf, type DatabaseService } from "@db/core";
import { repository } from "@db/models";
import { type Context, Hono } from "hono";
import { describeRoute } from "hono-openapi";
import { readJson } from "./body.ts";
import type { AppEnv } from "./env.ts";
import { fromJson, toJson } from "./json-fields.ts";
import { listQuery } from "./list-query.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import { operations } from "./operations.ts";
import { idIn } from "./path-id.ts";
import { type Resource, writable } from "./resource.ts";

export interface ResourceContext {
  readonly db: DatabaseService;
  /** Of a request's body. */
  readonly bodyLimitBytes: number;
}

/**
 * The routes of one resource: make, list, get, change and remove. The request's signal goes down to the database: who
 * hangs up is not worked for.
 */
export function resourceRoutes(resource: Resource, { db, bodyLimitBytes }: ResourceContext): Hono<AppEnv> {
  const { model, noun } = resource;
  const records = repository(db, model);
  const input = writable(resource);
  const toQuery = listQuery(resource);
  const about = operations(resource);
  const collectionPath = `/${model.collection}`;
  const recordPath = `${collectionPath}/:id`;
  const app = new Hono<AppEnv>();

  app.post(collectionPath, describeRoute(about.create), async (c) => {
    const { raw } = c.req;
    const data = input.parse(fromJson(model, await readJson(raw, bodyLimitBytes)));
    const { id, record } = await records.create(data, { signal: raw.signal });
    c.header("location", `${collectionPath}/${encodeURIComponent(id).replaceAll("%3A", ":")}`);
    return json(c, 201, record);
  });

  app.get(collectionPath, describeRoute(about.list), async (c) => {
    const page = await records.findMany(toQuery(c.req.url), { signal: c.req.raw.signal });
    return json(c, 200, page);
  });

  app.get(recordPath, describeRoute(about.get), async (c) => {
    const id = model.Id.parse(idIn(c.req.url));
    const record = await records.findById(id, { signal: c.req.raw.signal });
    if (record === undefined) throw new DatabaseErrorOf("NOT_FOUND", `no ${noun} has this id`, { id });
    return json(c, 200, record);
  });

  app.patch(recordPath, describeRoute(about.change), async (c) => {
    const { raw } = c.req;
    const id = model.Id.parse(idIn(c.req.url));
    const patch = input.parsePatch(fromJson(model, await readJson(raw, bodyLimitBytes)));
    const { record } = await records.update(id, patch, { returning: true, signal: raw.signal });
    return json(c, 200, record);
  });

  app.delete(recordPath, describeRoute(about.remove), async (c) => {
    await records.delete(model.Id.parse(idIn(c.req.url)), { signal: c.req.raw.signal });
    return c.body(null, 204);
  });

  app.all(collectionPath, methodNotAllowed("GET, HEAD, POST"));
  app.all(recordPath, methodNotAllowed("GET, HEAD, PATCH, DELETE"));
  return app;
}

function json(c: Context, status: 200 | 201, value: unknown): Response {
  return c.body(toJson(value), status, { "content-type": "application/json" });
}
