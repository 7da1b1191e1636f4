import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { ServerError } from "surrealdb";
import type { RawEngine } from "./surreal-engine.ts";
import { GatedSession } from "./surreal-session.ts";

/** A request that is answered with an error of HTTP. */
export class HttpRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Runs work in a session of the engine that lasts as long as the request, as its headers say: place and user. */
export async function withHttpSession<T>(
  engine: RawEngine,
  headers: IncomingHttpHeaders,
  work: (session: GatedSession) => Promise<T>,
): Promise<T> {
  const session = new GatedSession();
  await engine.call("attach", [], session.id);
  try {
    await enter(engine, headers, session);
    return await work(session);
  } finally {
    await engine.call("detach", [], session.id);
  }
}

async function enter(engine: RawEngine, headers: IncomingHttpHeaders, session: GatedSession): Promise<void> {
  const namespace = one(headers["surreal-ns"]);
  const database = one(headers["surreal-db"]);
  try {
    await signIn(engine, headers, session);
  } catch (error) {
    if (error instanceof ServerError) throw new HttpRefusal(401, error.message);
    throw error;
  }
  if (namespace !== undefined) await engine.call("use", [namespace, database], session.id);
}

async function signIn(engine: RawEngine, headers: IncomingHttpHeaders, session: GatedSession): Promise<void> {
  const [, scheme, credentials = ""] = /^(Bearer|Basic) +(.*)$/i.exec(headers.authorization ?? "") ?? [];
  if (scheme === undefined) return;
  if (scheme.toLowerCase() === "bearer")
    await session.change("authenticate", () => engine.must("authenticate", [credentials], session.id));
  else {
    const [, user, pass] = /^([^:]*):(.*)$/s.exec(Buffer.from(credentials, "base64").toString()) ?? [];
    const ns = one(headers["surreal-auth-ns"]);
    const db = one(headers["surreal-auth-db"]);
    const place = { ...(ns !== undefined && { ns }), ...(db !== undefined && { db }) };
    await session.change("signin", () => engine.must("signin", [{ user, pass, ...place }], session.id));
  }
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** The body of a request. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBytes) throw new HttpRefusal(413, `expected a body of at most ${maxBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts, size);
}
