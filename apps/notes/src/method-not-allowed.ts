import type { Handler } from "hono";
import { HttpFault } from "./problem.ts";

/** For `app.all` behind the methods that a path has. */
export function methodNotAllowed(allow: string): Handler {
  return (c) => {
    throw new HttpFault(405, `expected one of ${allow}, got ${c.req.method}`, { headers: { allow } });
  };
}
