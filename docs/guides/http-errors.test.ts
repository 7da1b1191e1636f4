import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createDatabase, type DatabaseError, DatabaseErrorOf, ERROR_CODES, toProblem } from "@db/core";
import { MockDatabase } from "@db/testing";
import { expect, onTestFinished, test, vi } from "vitest";
import { serve } from "./http-errors.ts";

const guide = readFileSync(new URL("http-errors.md", import.meta.url), "utf8");
const rows = [...guide.matchAll(/^\| (\d{3}) \| (.*) \|$/gm)];
const told = new Map(
  rows.flatMap(([, status, codes = ""]) =>
    [...codes.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => [code, Number(status)]),
  ),
);
const problemOf = (code: (typeof ERROR_CODES)[number]) =>
  toProblem(new DatabaseErrorOf(code, "message", { retryAfterMs: 1, issues: [] } as never) as DatabaseError);

test("the mapping has every code once, with the status that it gets", () => {
  expect(told).toEqual(new Map(ERROR_CODES.map((code) => [code, problemOf(code).status])));
  expect(rows.flatMap(([, , codes = ""]) => codes.match(/`[A-Z_]+`/g) ?? [])).toHaveLength(ERROR_CODES.length);
});

test("the codes whose detail is their title are those that the guide names", () => {
  const [, listed = ""] = /^- For (.*?) the detail is the title/ms.exec(guide) ?? [];
  const plain = ERROR_CODES.filter((code) => problemOf(code).detail === problemOf(code).title);
  expect([...listed.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code).toSorted()).toEqual(plain.toSorted());
});

test("the answer that it shows is that of its server while the database is away", async () => {
  const [head = "", body = ""] = (/```http\n(.*?)```/s.exec(guide)?.[1] ?? "").split("\n\n");
  const [statusLine = "", ...headers] = head.split("\n").map((line) => line.split(": "));
  const driver = new MockDatabase();
  await using db = createDatabase({ driver });
  await db.connect();
  // It says when to come again in whole seconds: a machine that pauses would make them one less.
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  driver.goAway({ unavailableAfterMs: 0, retryAfterMs: 4_000 });
  const server = serve(db).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/1`);
  expect(String(statusLine)).toBe(`HTTP/1.1 ${answer.status} ${answer.statusText}`);
  for (const [name = "", value] of headers) expect(answer.headers.get(name)).toBe(value);
  expect(await answer.json()).toEqual(JSON.parse(body));
});
