import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import { docsPage } from "./docs-page.ts";
import type { AppEnv } from "./env.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import type { ApiDocument } from "./openapi.ts";

/** The API document for programs and as a page for people; made when first asked for. */
export function docsRoutes(getDocument: () => Promise<ApiDocument>): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  let document: Promise<ApiDocument> | undefined;
  const documentOnce = (): Promise<ApiDocument> => {
    document ??= getDocument();
    return document;
  };

  app.get("/openapi.json", about("get_openapi", "This document", "application/json"), async (c) => {
    return c.json(await documentOnce());
  });
  for (const path of ["/", "/docs"]) {
    app.get(path, about(path === "/" ? "get_start" : "get_docs", "This document as a page", "text/html"), async (c) => {
      const { html, csp } = docsPage(await documentOnce());
      return c.body(html, 200, { "content-type": "text/html; charset=utf-8", "content-security-policy": csp });
    });
  }
  for (const path of ["/", "/docs", "/openapi.json"]) app.all(path, methodNotAllowed("GET, HEAD"));
  return app;
}

function about(operationId: string, summary: string, type: string): ReturnType<typeof describeRoute> {
  return describeRoute({
    operationId,
    summary,
    tags: ["docs"],
    responses: { 200: { description: "The document.", content: { [type]: {} } } },
  });
}
