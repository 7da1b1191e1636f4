import { createDatabase, DatabaseErrorOf } from "@db/core";
import { WriteQueue } from "@db/queue";
import { MockDatabase } from "@db/testing";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { deadLetterRoutes } from "../src/dead-letter-routes.ts";
import type { AppEnv } from "../src/env.ts";
import { Operator } from "../src/operator.ts";
import type { ShownLetters } from "../src/ops-feed.ts";
import { respondWithProblem } from "../src/problem.ts";

const TOKEN = "0123456789abcdef";
const asOperator = { authorization: `Bearer ${TOKEN}` };

/** A queue with one write that the database refuses. */
async function start(token = TOKEN) {
  const mock = new MockDatabase();
  const queue = await WriteQueue.open({ durability: "memory" });
  const db = createDatabase({ driver: mock, layers: [queue.layer] });
  await db.connect();
  onTestFinished(async () => {
    await db.disconnect();
    await queue.close();
  });
  mock.failNext(new DatabaseErrorOf("PERMISSION_DENIED", "not for you", {}));
  await queue.enqueue({ kind: "create", collection: "notes", id: "notes:1", data: { title: "SECRET" } } as never);
  await expect.poll(() => queue.stats().dead).toBe(1);
  const notes: string[] = [];
  const app = new Hono<AppEnv>();
  app.onError((error, c) => respondWithProblem(c, error));
  app.route(
    "/",
    deadLetterRoutes(queue, new Operator(token), (what) => notes.push(what)),
  );
  const letters = async (headers: Record<string, string> = {}): Promise<ShownLetters> =>
    (await app.request("/ops/dead-letters", { headers })).json() as Promise<ShownLetters>;
  return { app, db, queue, notes, letters, seq: (await letters()).letters[0]?.seq ?? 0 };
}

const post = (body: object = {}, headers: Record<string, string> = asOperator): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body),
});

test("anybody sees that there is one; what it holds only the operator", async () => {
  const { letters } = await start();
  const shown = await letters();
  expect(shown).toMatchObject({
    isOperator: false,
    letters: [{ id: "notes:1", error: "PERMISSION_DENIED", detail: null }],
  });
  expect(JSON.stringify(shown)).not.toContain("SECRET");
  const told = await letters(asOperator);
  expect(told.isOperator).toBe(true);
  expect(told.letters[0]?.detail?.data).toContain("SECRET");
});

test("the operator tries it again, and it is applied", async () => {
  const { app, db, queue, seq, notes } = await start();
  expect((await app.request(`/ops/dead-letters/${seq}/redrive`, post())).status).toBe(200);
  await queue.barrier();
  expect(await db.read("notes:1")).toMatchObject({ title: "SECRET" });
  expect(notes).toEqual(["dead letter tried again"]);
  expect((await app.request(`/ops/dead-letters/${seq}/redrive`, post())).status).toBe(404);
});

test("the operator gives it up, with a reason", async () => {
  const { app, db, queue, seq } = await start();
  expect((await app.request(`/ops/dead-letters/${seq}/discard`, post({}))).status).toBe(400);
  expect((await app.request(`/ops/dead-letters/${seq}/discard`, post({ reason: "a test" }))).status).toBe(200);
  expect(queue.stats()).toMatchObject({ dead: 0, pending: 0 });
  expect(await db.read("notes:1")).toBeUndefined();
});

test.each([
  ["no token", {}, 401],
  ["another token", { authorization: "Bearer fedcba9876543210" }, 401],
  ["no scheme", { authorization: TOKEN }, 401],
])("nobody else may: %s", async (_, headers, status) => {
  const { app, queue, seq } = await start();
  for (const action of ["redrive", "discard"]) {
    const answer = await app.request(`/ops/dead-letters/${seq}/${action}`, post({ reason: "x" }, headers));
    expect(answer.status).toBe(status);
  }
  expect(queue.stats().dead).toBe(1);
});

test("without a token in the configuration nobody is the operator", async () => {
  const { app, seq } = await start("");
  for (const headers of [asOperator, { authorization: "Bearer " }]) {
    expect((await app.request(`/ops/dead-letters/${seq}/redrive`, post({}, headers))).status).toBe(403);
  }
});
