import { isDatabaseError, type Problem, toProblem } from "@db/core";
import { storedIdOf } from "@db/models";
import type { Context } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import { statusText } from "./status-text.ts";

type Where = "body" | "query" | "path";

/** One thing that is wrong with a request. */
interface RequestFault {
  readonly in: Where;
  /** A JSON pointer (RFC 6901) into the body, or into the parameters by their names. */
  readonly pointer: string;
  readonly rule: string;
  readonly detail: string;
}

/** What a client gets for every failure: RFC 9457, and here as there all extensions are optional. */
export interface ProblemDocument extends Omit<Problem, "code" | "errors"> {
  readonly code?: string;
  readonly instance?: string;
  readonly requestId?: string;
  /** Of a write of which nobody knows what became: `/operations` may tell later. */
  readonly operationId?: string;
  readonly errors?: readonly RequestFault[];
}

interface HttpFaultOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** The rule that the body as a whole broke. */
  readonly bodyRule?: string;
}

/** A failure of HTTP's own, that no database takes part in. */
export class HttpFault extends Error {
  readonly problem: ProblemDocument;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, detail: string, { headers = {}, bodyRule }: HttpFaultOptions = {}) {
    super(detail);
    this.name = "HttpFault";
    const errors: readonly RequestFault[] = bodyRule === undefined ? [] : [{ ...WHOLE_BODY, rule: bodyRule, detail }];
    const problem = { type: "about:blank", title: statusText(status), status, detail };
    this.problem = errors.length === 0 ? problem : { ...problem, errors };
    this.headers = headers;
  }
}

const WHOLE_BODY = { in: "body", pointer: "" } as const;

/** Not now: the service or its database is on its way up or down. */
export class UnavailableFault extends HttpFault {
  constructor(detail: string, retryAfter: number) {
    super(503, detail, { headers: { "retry-after": String(retryAfter) } });
  }
}

/** A wrong parameter of the query: the same error as for a wrong body, found in another place. */
export class QueryFault extends Error {
  constructor(cause: unknown) {
    super("a parameter of the query is wrong", { cause });
    this.name = "QueryFault";
  }
}

/** The problem document of any failure. Nothing of an unexpected one is told. */
export function problemOf(error: unknown): ProblemDocument {
  if (error instanceof HttpFault) return error.problem;
  if (error instanceof QueryFault) return ofDatabase(error.cause, "query");
  if (storedIdOf(error) !== undefined) {
    const title = "Stored record not valid";
    return { type: "urn:notes:problem:stored-record", title, status: 500, detail: `${title}; it needs to be repaired` };
  }
  return ofDatabase(error, "body");
}

function ofDatabase(error: unknown, where: Where): ProblemDocument {
  const { errors, ...known } = toProblem(error);
  const problem = { ...known, ...operationOf(error) };
  if (errors !== undefined) return { ...problem, errors: errors.map((field) => ({ in: where, ...field })) };
  const place = isDatabaseError(error) ? PLACES[error.code] : undefined;
  return place === undefined ? problem : { ...problem, errors: [{ ...place, detail: problem.detail }] };
}

function operationOf(error: unknown): Pick<ProblemDocument, "operationId"> {
  if (!isDatabaseError(error) || !("operationId" in error.facts)) return {};
  return { operationId: error.facts.operationId };
}

/** Errors that can have but one place in a request. */
const PLACES: { readonly [code: string]: Omit<RequestFault, "detail"> } = {
  INVALID_RECORD_ID: { in: "path", pointer: "/id", rule: "record_id" },
  INVALID_QUERY: { in: "query", pointer: "/cursor", rule: "cursor" },
};

export function respondWithProblem(c: Context, error: unknown): Response {
  const problem = problemOf(error);
  const document: ProblemDocument = { ...problem, instance: c.req.path, requestId: c.get("requestId") };
  const headers: Record<string, string> = {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    ...(problem.retryAfter === undefined ? {} : { "retry-after": String(problem.retryAfter) }),
    ...(error instanceof HttpFault ? error.headers : {}),
  };
  // Through the context, so that the headers that stand on every answer stand on this one too.
  return c.newResponse(JSON.stringify(document), problem.status as StatusCode, headers);
}
