import { isPlainObject } from "@db/core";
import type { DeadLetter, WriteQueue } from "@db/queue";
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import { readJson } from "./body.ts";
import type { AppEnv } from "./env.ts";
import { toJson } from "./json-fields.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import type { Operator } from "./operator.ts";
import type { ShownLetter } from "./ops-feed.ts";
import { HttpFault } from "./problem.ts";

const MAX_SHOWN = 100;
const MAX_BODY_BYTES = 4_096;

/** Writes that the database refused: shown to all without what they hold, and decided about by an operator. */
export function deadLetterRoutes(
  queue: Pick<WriteQueue, "deadLetters" | "redrive" | "discard">,
  operator: Operator,
  note: (what: string, detail: string) => void,
): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const listPath = "/ops/dead-letters";
  const redrivePath = `${listPath}/:seq/redrive`;
  const discardPath = `${listPath}/:seq/discard`;

  app.get(listPath, describeRoute({ hide: true }), async (c) => {
    const isOperator = operator.is(c.req.header("authorization"));
    const letters = await queue.deadLetters({ limit: MAX_SHOWN });
    const shown = letters.map((letter) => shownLetter(letter, isOperator));
    return c.body(toJson({ isOperator, letters: shown }), 200, { "content-type": "application/json" });
  });

  app.post(redrivePath, describeRoute({ hide: true }), async (c) => {
    operator.check(c.req.header("authorization"));
    const count = await queue.redrive(seqIn(c.req.param("seq")));
    if (count === 0) throw new HttpFault(404, "there is no such dead letter any more");
    note("dead letter tried again", `#${c.req.param("seq")}`);
    return c.json({ count });
  });

  app.post(discardPath, describeRoute({ hide: true }), async (c) => {
    operator.check(c.req.header("authorization"));
    const body = await readJson(c.req.raw, MAX_BODY_BYTES);
    const reason = isPlainObject(body) ? body.reason : undefined;
    if (typeof reason !== "string" || reason.trim() === "" || reason.length > 500)
      throw new HttpFault(400, "reason: expected a text of 1..500 characters");
    const count = await queue.discard(seqIn(c.req.param("seq")), reason);
    if (count === 0) throw new HttpFault(404, "there is no such dead letter any more");
    note("dead letter discarded", `#${c.req.param("seq")}: ${reason}`);
    return c.json({ count });
  });

  app.all(listPath, methodNotAllowed("GET, HEAD"));
  app.all(redrivePath, methodNotAllowed("POST"));
  app.all(discardPath, methodNotAllowed("POST"));
  return app;
}

function seqIn(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new HttpFault(400, "expected the number of a dead letter");
}

function shownLetter(letter: DeadLetter, isOperator: boolean): ShownLetter {
  const { seq, operationId, kind, id, queuedAt, attempts, lastError, parked, data, remove } = letter;
  return {
    seq,
    operationId: operationId ?? null,
    kind: kind ?? "damaged",
    id: id ?? null,
    queuedAt,
    attempts,
    error: lastError?.code ?? null,
    parked,
    // The error's message and the data may hold what users wrote.
    detail: isOperator
      ? { message: lastError?.message ?? "", data: toJson({ ...data, ...(remove?.length ? { remove } : {}) }) }
      : null,
  };
}
