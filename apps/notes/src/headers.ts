import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./env.ts";

/** Nothing may be loaded, framed or submitted; a page that needs more says so itself. */
export const STRICT_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/**
 * The headers of every answer. While the service is being stopped each also ends its connection: an idle one would
 * keep the server from closing.
 */
export function commonHeaders(isDraining: () => boolean): MiddlewareHandler<AppEnv> {
  return async (c, next) => {
    await next();
    const { headers } = c.res;
    if (!headers.has("content-security-policy")) headers.set("content-security-policy", STRICT_CSP);
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    headers.set("x-content-type-options", "nosniff");
    headers.set("referrer-policy", "no-referrer");
    headers.set("cross-origin-resource-policy", "same-origin");
    if (isDraining()) headers.set("connection", "close");
  };
}

/** A `HEAD` is answered as its `GET` is, without the body: one that streams would go on for nobody. */
export const dropBodyOfHead: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  // Not waited for: a page that is being read must end first.
  if (c.req.method === "HEAD") c.res.body?.cancel().catch(() => {});
};
