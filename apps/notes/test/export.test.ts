import { DatabaseErrorOf } from "@db/core";
import { expect, test } from "vitest";
import { note, startApp } from "./harness.ts";

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

test("an export that breaks off is never taken for a whole one", async () => {
  const { app, db, mock, lines } = await startApp();
  await db.create("notes", note);
  mock.failNext(new DatabaseErrorOf("INTERNAL", "broken", {}));
  const answer = await app.request("/notes/export");
  await expect(answer.text()).rejects.toThrow();
  expect(lines).toContainEqual(expect.objectContaining({ level: "error", message: "the export broke off" }));
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
