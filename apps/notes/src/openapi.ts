import type { Hono } from "hono";
import { generateSpecs } from "hono-openapi";
import type { OpenAPIV3_1 } from "openapi-types";
import type { AppEnv } from "./env.ts";
import type { Resource } from "./resource.ts";
import { commonSchemas, resourceSchemas } from "./schemas.ts";

export type ApiDocument = Awaited<ReturnType<typeof generateSpecs>>;

export interface DocumentOptions {
  readonly resources: readonly Resource[];
  readonly version: string;
}

const DESCRIPTION = `Every answer but a success is a problem document (RFC 9457), also where no route was found (404), where a
path has not that method (405, with Allow), and where a request was not even HTTP. /health alone answers in the health
format.`;

/** The OpenAPI document of all routes that describe themselves. */
export function apiDocument(app: Hono<AppEnv>, { resources, version }: DocumentOptions): Promise<ApiDocument> {
  const schemas: { [name: string]: OpenAPIV3_1.SchemaObject } = { ...commonSchemas };
  for (const resource of resources) Object.assign(schemas, resourceSchemas(resource));
  return generateSpecs(app, {
    documentation: {
      info: { title: "Notes", version, description: DESCRIPTION.replaceAll("\n", " ") },
      tags: [...resources.map(({ model }) => ({ name: model.collection })), { name: "health" }],
      components: { schemas },
    },
    excludeStaticFile: false,
  });
}
