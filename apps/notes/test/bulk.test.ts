import { DatabaseErrorOf } from "@db/core";
import { expect, test } from "vitest";
import { json, note, problemIn, startApp } from "./harness.ts";

interface Outcomes {
  readonly items: readonly {
    readonly status: number;
    readonly id?: string;
    readonly location?: string;
    readonly problem?: { readonly errors?: readonly object[] };
  }[];
}

test("each of many is made for itself, and the outcomes stand in the order of the items", async () => {
  const { app } = await startApp();
  const items = [note, { title: 7 }, { ...note, title: "third" }];
  const answer = await app.request("/notes/bulk", json("POST", { items }));
  expect(answer.status).toBe(207);
  const { items: outcomes } = (await answer.json()) as Outcomes;
  expect(outcomes.map(({ status }) => status)).toEqual([201, 400, 201]);
  expect(outcomes[1]?.problem?.errors).toContainEqual(expect.objectContaining({ pointer: "/title", in: "body" }));
  const stored = await app.request(outcomes[2]?.location ?? "");
  expect(await stored.json()).toMatchObject({ id: outcomes[2]?.id, title: "third", tags: [] });
});

test("one that the database refuses leaves the others alone", async () => {
  const { app, mock } = await startApp();
  mock.failNext(new DatabaseErrorOf("CONFLICT", "another write got there first", {}));
  const answer = await app.request("/notes/bulk", json("POST", { items: [note, note, note] }));
  const { items: outcomes } = (await answer.json()) as Outcomes;
  expect(outcomes.map(({ status }) => status).sort()).toEqual([201, 201, 409]);
});

test.each([
  ["no list", {}],
  ["an empty list", { items: [] }],
  ["too many", { items: Array.from({ length: 1_001 }, () => note) }],
])("%s is refused as a whole", async (_, body) => {
  const { app } = await startApp();
  const answer = await app.request("/notes/bulk", json("POST", body));
  expect(answer.status).toBe(400);
  expect((await problemIn(answer)).errors).toContainEqual(
    expect.objectContaining({ pointer: "/items", detail: "expected a list of 1..1000 records" }),
  );
});
