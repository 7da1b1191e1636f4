import { modelJsonSchema } from "@db/models/json-schema";
import type { OpenAPIV3_1 } from "openapi-types";
import type { Resource } from "./resource.ts";

type Schemas = { readonly [name: string]: OpenAPIV3_1.SchemaObject };

/** What a resource's schemas are called among the components. */
export function schemaNames({
  noun,
}: Resource): Readonly<Record<"record" | "create" | "patch" | "page" | "bulk" | "outcomes", string>> {
  const name = noun.replace(/^./, (letter) => letter.toUpperCase());
  return {
    record: name,
    create: `New${name}`,
    patch: `${name}Patch`,
    page: `${name}Page`,
    bulk: `Many${name}s`,
    outcomes: `${name}Outcomes`,
  };
}

export function resourceSchemas(resource: Resource): Schemas {
  const { model, readOnly: omit = [] } = resource;
  const names = schemaNames(resource);
  const schema = (view: "create" | "patch" | "record"): OpenAPIV3_1.SchemaObject => {
    // The dialect of OpenAPI 3.1 is that of JSON Schema, which the two packages type each in its own way.
    return modelJsonSchema(model, view === "record" ? {} : { view, omit }) as OpenAPIV3_1.SchemaObject;
  };
  return {
    [names.record]: schema("record"),
    [names.create]: schema("create"),
    [names.patch]: schema("patch"),
    [names.page]: {
      type: "object",
      properties: {
        items: { type: "array", items: { $ref: `#/components/schemas/${names.record}` } },
        next: { type: ["string", "null"], description: "The cursor of the next page; null where there is none." },
      },
      required: ["items", "next"],
    },
    [names.bulk]: {
      type: "object",
      properties: { items: { type: "array", items: { $ref: `#/components/schemas/${names.create}` } } },
      required: ["items"],
    },
    [names.outcomes]: {
      type: "object",
      properties: {
        items: {
          type: "array",
          description: "In the order of the request.",
          items: {
            type: "object",
            properties: {
              status: { type: "integer", description: "What it would have been answered with alone." },
              id: text("Of the record that was made."),
              operationId: text("Names the write."),
              location: text("Where the record is."),
              problem: { $ref: "#/components/schemas/Problem" },
            },
            required: ["status"],
          },
        },
      },
      required: ["items"],
    },
  };
}

const text = (description: string): OpenAPIV3_1.SchemaObject => ({ type: "string", description });

export const commonSchemas: Schemas = {
  Problem: {
    type: "object",
    description: "RFC 9457: what every answer but a success holds.",
    properties: {
      type: { type: "string", format: "uri-reference", description: "The kind of problem." },
      title: text("The kind of problem, in words."),
      status: { type: "integer", minimum: 400, maximum: 599 },
      detail: text("What was wrong this time."),
      instance: text("The path that was asked for."),
      code: text("The database layer's code, where the failure is one of its own."),
      requestId: text("Names the request in the service's log."),
      operationId: text("Names a write of which nobody knows what became, for `/operations/{id}`."),
      retryAfter: { type: "integer", minimum: 1, description: "In how many seconds to try again." },
      errors: {
        type: "array",
        description: "What is wrong with the request, one entry a field.",
        items: {
          type: "object",
          properties: {
            in: { type: "string", enum: ["body", "query", "path"] },
            pointer: text("A JSON pointer to the field or parameter."),
            rule: text("The rule that was broken, as a stable word."),
            detail: text("What was expected."),
          },
          required: ["in", "pointer", "rule", "detail"],
        },
      },
    },
    required: ["type", "title", "status", "detail"],
  },
  Receipt: {
    type: "object",
    description: "A write that is stored durably and will be applied once the database is there.",
    properties: {
      id: text("Of the record."),
      operationId: text("Names the write, for `/operations/{id}`."),
      status: { type: "string", enum: ["queued"] },
    },
    required: ["id", "operationId", "status"],
  },
  Operation: {
    type: "object",
    properties: {
      operationId: text("Names the write."),
      status: { type: "string", enum: ["waiting", "applied", "dead", "unknown"] },
    },
    required: ["operationId", "status"],
  },
  Health: {
    type: "object",
    description: "The health format of draft-inadarei-api-health-check-06.",
    properties: {
      status: { type: "string", enum: ["pass", "warn", "fail"] },
      version: text("The service's version."),
      checks: { type: "object", additionalProperties: { type: "array", items: { type: "object" } } },
    },
    required: ["status"],
  },
};
