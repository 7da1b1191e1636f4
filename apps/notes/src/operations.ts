import type { DescribeRouteOptions, ResponsesWithResolver } from "hono-openapi";
import type { OpenAPIV3_1 } from "openapi-types";
import { MAX_ITEMS } from "./bulk-route.ts";
import { DEFAULT_PAGE, MAX_PAGE, orderWords } from "./list-query.ts";
import type { Resource } from "./resource.ts";
import { schemaNames } from "./schemas.ts";
import { statusText } from "./status-text.ts";

type Parameter = OpenAPIV3_1.ParameterObject;

/** What a read can end in besides its result; a 503 tells in Retry-After when to come again. */
const READ = [500, 503, 504];
const WRITE = [...READ, 409];
/** What a request with a body can be refused with besides: by the service, or by a schema in the database (422). */
const BODY = [400, 413, 415, 422];

type Route = "create" | "createMany" | "list" | "exportAll" | "changes" | "get" | "change" | "remove";

/** The descriptions of a resource's routes, one for each handler. */
export function operations(resource: Resource): Readonly<Record<Route, DescribeRouteOptions>> {
  const { noun, model, example } = resource;
  const names = schemaNames(resource);
  const tags = [model.collection];
  const id: Parameter = {
    name: "id",
    in: "path",
    required: true,
    description: `The whole id, \`${model.collection}:<key>\`.`,
    schema: { type: "string" },
    example: `${model.collection}:01a1fcb9-355b-7c19-9a30-054d93dcc6cf`,
  };
  const ifMatch: Parameter = {
    name: "If-Match",
    in: "header",
    required: false,
    description: `The ETag of the ${noun} as it was seen: if it has changed since, nothing happens and the answer is 412.`,
    schema: { type: "string" },
  };
  return {
    create: {
      operationId: `create_${noun}`,
      summary: `Make a ${noun}`,
      tags,
      parameters: [IDEMPOTENCY_KEY],
      requestBody: jsonBody(names.create, example),
      responses: {
        201: {
          ...json(names.record, `The ${noun} is stored.`),
          headers: { Location: { description: `Where the ${noun} is.`, schema: { type: "string" } }, ...ETAG },
        },
        202: {
          ...ACCEPTED,
          headers: { Location: { description: `Where the ${noun} is.`, schema: { type: "string" } } },
        },
        ...problems([...WRITE, ...BODY]),
      },
    },
    createMany: {
      operationId: `create_many_${model.collection}`,
      summary: `Make many ${model.collection}`,
      description:
        `Up to ${MAX_ITEMS}, each for itself: one that cannot be made leaves the others alone. The outcomes come in the order ` +
        "of the items, each with the status that it would have had alone.",
      tags,
      requestBody: jsonBody(names.bulk, { items: [example] }),
      responses: { 207: json(names.outcomes, "What came of each."), ...problems([500, 503, 400, 413, 415]) },
    },
    exportAll: {
      operationId: `export_${model.collection}`,
      summary: `All ${model.collection}, a line each`,
      description:
        "Every record that is there from the beginning of the export to its end, exactly once, in the order of the ids. If " +
        "something fails on the way the connection is cut: an export that ends well is whole.",
      tags,
      responses: {
        200: {
          description: "JSON, a record in each line.",
          content: { "application/x-ndjson": { schema: { type: "string" } } },
        },
        ...problems(READ),
      },
    },
    list: {
      operationId: `list_${model.collection}`,
      summary: `A page of ${model.collection}`,
      description:
        "Without `order` the records come in the order of their ids, which is that of their making; `order=id:desc` " +
        "brings the newest first. An order by a field costs more: it sorts all records that the filters leave, at every page.",
      tags,
      parameters: listParameters(resource),
      responses: { 200: json(names.page, "The page."), ...problems([...READ, 400]) },
    },
    changes: {
      operationId: `follow_${model.collection}`,
      summary: `Changes of ${model.collection} as they happen`,
      description:
        "Server-sent events: `created` and `updated` with the record, `deleted` with its id, `resync` wherever changes may be " +
        "missing before what comes next (first of all at the start: read then), `problem` before an end that is not the " +
        "client's, and `bye` when the service stops.",
      tags,
      responses: {
        200: { description: "The stream.", content: { "text/event-stream": { schema: { type: "string" } } } },
        ...problems([500, 503]),
      },
    },
    get: {
      operationId: `get_${noun}`,
      summary: `One ${noun}`,
      tags,
      parameters: [id],
      responses: {
        200: { ...json(names.record, `The ${noun}.`), headers: ETAG },
        304: { description: "It is still what the tag in `If-None-Match` stands for." },
        ...problems([...READ, 400, 404]),
      },
    },
    change: {
      operationId: `change_${noun}`,
      summary: `Change fields of a ${noun}`,
      description:
        "Fields that are not named stay as they are. A change of nothing, `{}`, is one too: it is answered with 200 and " +
        "moves the times that the service sets at every change.",
      tags,
      parameters: [id, ifMatch],
      requestBody: jsonBody(names.patch, Object.fromEntries(Object.entries(example).slice(0, 1))),
      responses: {
        200: { ...json(names.record, `The ${noun} as it is now.`), headers: ETAG },
        202: ACCEPTED,
        204: { description: "It is done, and how it is now could not be read." },
        ...problems([...WRITE, ...BODY, 404, 412]),
      },
    },
    remove: {
      operationId: `remove_${noun}`,
      summary: `Take a ${noun} away`,
      tags,
      parameters: [id, ifMatch],
      responses: {
        202: ACCEPTED,
        204: { description: `The ${noun} is gone.` },
        ...problems([...WRITE, 400, 404, 412]),
      },
    },
  };
}

function listParameters(resource: Resource): Parameter[] {
  const query = (name: string, description: string, schema: NonNullable<Parameter["schema"]>): Parameter => {
    return { name, in: "query", required: false, description, schema };
  };
  return [
    query("limit", "Records of a page.", { type: "integer", minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE }),
    query("cursor", "The `next` of the page before, with the same filters and order.", { type: "string" }),
    query("order", `The order: ${orderWords(resource)}.`, { type: "string", default: "id:asc" }),
    ...Object.entries(resource.filters ?? {}).map(([name, { meaning }]) => {
      return query(name, `Only ${meaning}.`, { type: "string", minLength: 1 });
    }),
  ];
}

function json(schema: string, description: string): OpenAPIV3_1.ResponseObject {
  return { description, content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` } } } };
}

function jsonBody(schema: string, example: object): OpenAPIV3_1.RequestBodyObject {
  return {
    required: true,
    content: { "application/json": { schema: { $ref: `#/components/schemas/${schema}` }, example } },
  };
}

const ETAG = {
  ETag: { description: "Stands for the content as it is now, for `If-Match`.", schema: { type: "string" } },
} as const;
const ACCEPTED = json("Receipt", "The database is away. The write is stored durably and applied once it is back.");
const IDEMPOTENCY_KEY: Parameter = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description:
    "1..255 visible characters. Sent again with the same body the request is answered as at first and makes nothing " +
    "new; with another body it is refused with 422, and with 409 while the first still runs. Kept for 7 days.",
  schema: { type: "string" },
};
export const RETRY_AFTER = {
  "Retry-After": { description: "In seconds.", schema: { type: "integer", minimum: 1 } },
} as const;

export function problems(statuses: readonly number[]): ResponsesWithResolver {
  const sorted = [...statuses].sort((a, b) => a - b);
  return Object.fromEntries(sorted.map((status) => [status, problem(status)]));
}

function problem(status: number): OpenAPIV3_1.ResponseObject {
  return {
    description: statusText(status),
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    ...(status === 503 ? { headers: RETRY_AFTER } : {}),
  };
}
