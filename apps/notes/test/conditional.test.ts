import { expect, test } from "vitest";
import { json, note, problemIn, startApp } from "./harness.ts";

async function makeNote(app: Awaited<ReturnType<typeof startApp>>["app"]): Promise<{ path: string; tag: string }> {
  const made = await app.request("/notes", json("POST", note));
  return { path: made.headers.get("location") ?? "", tag: made.headers.get("etag") ?? "" };
}

function ifMatch(init: RequestInit, tag: string): RequestInit {
  return { ...init, headers: { ...(init.headers as object), "if-match": tag } };
}

test("the tag is the same wherever the same content is answered, and another after a change", async () => {
  const { app } = await startApp();
  const { path, tag } = await makeNote(app);
  expect(tag).toMatch(/^"[\w-]{22}"$/);
  expect((await app.request(path)).headers.get("etag")).toBe(tag);
  const changed = await app.request(path, json("PATCH", { title: "Bread" }));
  expect(changed.headers.get("etag")).not.toBe(tag);
  expect((await app.request(path)).headers.get("etag")).toBe(changed.headers.get("etag"));
});

test("what the client has already is not sent again", async () => {
  const { app } = await startApp();
  const { path, tag } = await makeNote(app);
  for (const header of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
    const answer = await app.request(path, { headers: { "if-none-match": header } });
    expect(answer.status, header).toBe(304);
    expect(answer.headers.get("etag")).toBe(tag);
    expect(await answer.text()).toBe("");
  }
  expect((await app.request(path, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
});

test("of two who change what both have seen, the second is told", async () => {
  const { app } = await startApp();
  const { path, tag } = await makeNote(app);
  const first = await app.request(path, ifMatch(json("PATCH", { title: "first" }), tag));
  expect(first.status).toBe(200);
  for (const init of [json("PATCH", { title: "second" }), { method: "DELETE" }]) {
    const second = await app.request(path, ifMatch(init, tag));
    expect(second.status).toBe(412);
    expect(await problemIn(second)).toMatchObject({ code: "PRECONDITION_FAILED" });
  }
  expect(await (await app.request(path)).json()).toMatchObject({ title: "first" });
  const now = first.headers.get("etag") ?? "";
  expect((await app.request(path, ifMatch({ method: "DELETE" }, now))).status).toBe(204);
});

test("a change that comes between the check and the write is noticed by the database", async () => {
  const { app, db, mock } = await startApp();
  const { path, tag } = await makeNote(app);
  const id = decodeURIComponent(path.slice("/notes/".length));
  const { statements } = mock;
  const update = statements.update.bind(statements);
  Object.assign(statements, {
    update: async (...args: Parameters<typeof update>) => {
      Object.assign(statements, { update });
      await db.update(id, { author: "bob" });
      return update(...args);
    },
  });
  expect((await app.request(path, ifMatch(json("PATCH", { title: "mine" }), tag))).status).toBe(412);
  expect(await (await app.request(path)).json()).toMatchObject({ title: note.title, author: "bob" });
});

test("any tag will do for a star, a weak one never, and what is no tag is refused", async () => {
  const { app } = await startApp();
  const { path, tag } = await makeNote(app);
  expect((await app.request(path, ifMatch(json("PATCH", { title: "a" }), `W/${tag}`))).status).toBe(412);
  expect((await app.request(path, ifMatch(json("PATCH", { title: "a" }), "nothing"))).status).toBe(400);
  expect((await app.request(path, ifMatch(json("PATCH", { title: "a" }), "*"))).status).toBe(200);
  expect((await app.request("/notes/notes:none", ifMatch({ method: "DELETE" }, "*"))).status).toBe(404);
});
