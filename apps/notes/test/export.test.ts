import { inspect } from "node:util";
import { DatabaseErrorOf } from "@db/core";
import type { MockDatabase } from "@db/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { listen } from "../src/server.ts";
import { note, startApp, stopClock } from "./harness.ts";

test("every note is exported, a line each", async () => {
  const { app, db } = await startApp();
  for (let index = 0; index < 250; index += 1) await db.create("notes", { ...note, title: `note ${index}` });
  const answer = await app.request("/notes/export");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson; charset=utf-8");
  const lines = (await answer.text()).trimEnd().split("\n");
  const titles = lines.map((line) => (JSON.parse(line) as { readonly title: string }).title);
  expect(titles).toEqual(Array.from({ length: 250 }, (_, index) => `note ${index}`));
});

/** Lets some pages pass, and fails the next. */
function failAfter(mock: MockDatabase, pages: number): () => void {
  let passed = 0;
  const failure = new DatabaseErrorOf("INTERNAL", "broken", {}, { cause: new Error("s3cr3t") });
  return mock.failNext(() => (passed++ < pages ? undefined : failure), { kind: "find" });
}

/** Behind a port, on a database of so many notes that they are several pages and chunks. */
async function startServer() {
  const harness = await startApp();
  for (let index = 0; index < 500; index += 1)
    await harness.db.create("notes", { ...note, content: "x".repeat(1_000) });
  const server = await listen(harness.app, { host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close(0));
  return { ...harness, url: `${server.url}/notes/export` };
}

test("an export that breaks off is never taken for a whole one, and nobody is told what its error quotes", async () => {
  const { mock, lines, url } = await startServer();
  const printed = vi.spyOn(console, "error").mockImplementation(() => {});
  onTestFinished(() => printed.mockRestore());
  for (const pages of [1, 2, 3, 4]) {
    const takeBack = failAfter(mock, pages);
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow();
    takeBack();
  }
  expect(lines).toContainEqual(expect.objectContaining({ level: "error", message: "the export broke off" }));
  expect(inspect([lines, printed.mock.calls], { depth: 10 })).not.toContain("s3cr3t");
});

test("an export that cannot begin is refused like any other read", async () => {
  const { app, mock } = await startApp();
  stopClock();
  mock.goAway({ unavailableAfterMs: 0, retryAfterMs: 2_500 });
  for (const method of ["GET", "HEAD"]) {
    const answer = await app.request("/notes/export", { method });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "3"]);
  }
});

test("a client that leaves an export breaks nothing", async () => {
  const { mock, lines, url } = await startServer();
  mock.latencyMs = 200;
  const leaving = new AbortController();
  const answer = await fetch(url, { signal: leaving.signal });
  expect(answer.status).toBe(200);
  // While the next page is being read.
  leaving.abort();
  await expect.poll(() => lines.some(({ message }) => message === "database call failed")).toBe(true);
  await new Promise(setImmediate);
  expect(lines.filter(({ level }) => level === "error")).toEqual([]);
});

test("nothing more is read than the client takes", async () => {
  const { app, db, mock } = await startApp();
  for (let index = 0; index < 1_500; index += 1) await db.create("notes", { ...note, content: "x".repeat(1_000) });
  const answer = await app.request("/notes/export");
  const reader = answer.body?.getReader();
  await reader?.read();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const pages = mock.calls.filter(({ operation }) => operation?.kind === "find").length;
  expect(pages).toBeLessThan(4);
  await reader?.cancel();
});
