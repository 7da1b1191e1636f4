import type { DatabaseService } from "@db/core";
import type { WriteQueue } from "@db/queue";
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import type { AppEnv } from "./env.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import { problems } from "./operations.ts";
import { idIn } from "./path-id.ts";
import { HttpFault } from "./problem.ts";

/** What became of a write that was answered with 202, or that nobody heard the answer of. */
export function operationRoutes(db: DatabaseService, queue: Pick<WriteQueue, "outcome">): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const path = "/operations/:id";
  app.get(path, describeRoute(about), async (c) => {
    const operationId = idIn(c.req.url);
    if (!/^[\w.:-]{1,128}$/.test(operationId))
      throw new HttpFault(400, "expected an operation's id: 1..128 letters, digits or . : _ -");
    const known = queue.outcome(operationId);
    // The ledger remembers longer than the queue, and knows what was never in the queue.
    const isApplied = known === "unknown" && (await db.wasApplied(operationId, { signal: c.req.raw.signal }));
    return c.json({ operationId, status: isApplied ? "applied" : known });
  });
  app.all(path, methodNotAllowed("GET, HEAD"));
  return app;
}

const about = {
  operationId: "get_operation",
  summary: "What became of a write",
  description:
    "`waiting`: stored, and applied once the database is there. `applied`: done. `dead`: the database refused it, and an " +
    "operator has to look. `unknown`: never seen here, or longer ago than the ledger remembers.",
  tags: ["operations"],
  parameters: [
    {
      name: "id",
      in: "path" as const,
      required: true,
      description: "The `operationId`.",
      schema: { type: "string" as const },
    },
  ],
  responses: {
    200: {
      description: "What is known.",
      content: { "application/json": { schema: { $ref: "#/components/schemas/Operation" } } },
    },
    ...problems([400, 500, 503, 504]),
  },
};
