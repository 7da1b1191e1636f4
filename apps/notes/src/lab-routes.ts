import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import type { AppEnv } from "./env.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import { HttpFault } from "./problem.ts";

/** The lab answers at once or is gone. */
const TIMEOUT_MS = 2_000;

/** The panel of the fault lab that has started this service: the page asks here, and the service asks the lab. */
export function labRoutes(labUrl: string): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const ask = async (path: string, method: "GET" | "POST"): Promise<Response> => {
    try {
      const { status, body } = await fetch(`${labUrl}/${path}`, { method, signal: AbortSignal.timeout(TIMEOUT_MS) });
      return new Response(body, { status, headers: { "content-type": "application/json" } });
    } catch {
      throw new HttpFault(503, "the lab that has started this service does not answer", {
        headers: { "retry-after": "1" },
      });
    }
  };
  app.get("/ops/lab", describeRoute({ hide: true }), () => ask("state", "GET"));
  app.post("/ops/lab/:name", describeRoute({ hide: true }), (c) => {
    const name = c.req.param("name");
    // A header that a page of another origin cannot send without asking first.
    if (c.req.header("content-type") !== "application/json" || !/^[a-z-]{1,40}$/.test(name))
      throw new HttpFault(400, "expected the name of a scenario, and application/json");
    return ask(`play/${name}`, "POST");
  });
  app.all("/ops/lab", methodNotAllowed("GET, HEAD"));
  app.all("/ops/lab/:name", methodNotAllowed("POST"));
  return app;
}
