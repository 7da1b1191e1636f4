import { describe, expect, test } from "vitest";
import { json, note, problemIn, startApp } from "./harness.ts";

interface NoteJson {
  readonly id: string;
  readonly title: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}
interface PageJson {
  readonly items: readonly NoteJson[];
  readonly next: string | null;
}

test("a note is made, found, changed and taken away", async () => {
  const { app } = await startApp();
  const made = await app.request("/notes", json("POST", { ...note, tags: ["a"] }));
  expect(made.status).toBe(201);
  const record = (await made.json()) as NoteJson;
  expect(record).toEqual({
    id: expect.stringMatching(/^notes:[0-9a-f-]{36}$/),
    ...note,
    tags: ["a"],
    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    updatedAt: expect.stringMatching(/Z$/),
  });
  expect(Object.keys(record)).toEqual(["id", "title", "content", "author", "tags", "createdAt", "updatedAt"]);

  const path = made.headers.get("location") ?? "";
  expect(path).toBe(`/notes/${record.id}`);
  expect(await (await app.request(path)).json()).toEqual(record);

  const changed = await app.request(path, json("PATCH", { title: "Bread" }));
  expect(changed.status).toBe(200);
  const after = (await changed.json()) as NoteJson;
  expect(after).toEqual({ ...record, title: "Bread", updatedAt: expect.any(String) });
  expect(after.updatedAt >= record.updatedAt).toBe(true);

  const removed = await app.request(path, { method: "DELETE" });
  expect(removed.status).toBe(204);
  expect(await removed.text()).toBe("");
  for (const init of [{}, json("PATCH", { title: "x" }), { method: "DELETE" }]) {
    const missing = await app.request(path, init);
    expect(missing.status).toBe(404);
    await problemIn(missing);
  }
});

test("an id with any characters finds its way through the URL", async () => {
  const { app, db } = await startApp();
  const id = "notes:a/b c%ü?#:…";
  await db.create("notes", note, { id });
  const found = await app.request(`/notes/${encodeURIComponent(id)}`);
  expect(found.status).toBe(200);
  expect(((await found.json()) as NoteJson).id).toBe(id);
});

test("HEAD is GET without the body", async () => {
  const { app } = await startApp();
  const answer = await app.request("/notes", { method: "HEAD" });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe("");
});

describe("a list", () => {
  const start = async () => {
    const harness = await startApp();
    for (const [index, author] of ["ada", "bob", "ada", "ada", "cy"].entries()) {
      const data = {
        title: `n${index}`,
        content: index === 4 ? "100% odd" : "plain",
        author,
        tags: index > 2 ? ["late"] : [],
      };
      await harness.app.request("/notes", json("POST", data));
    }
    const list = async (query: string): Promise<PageJson> => {
      const answer = await harness.app.request(`/notes${query}`);
      expect(answer.status).toBe(200);
      return (await answer.json()) as PageJson;
    };
    return { ...harness, list };
  };
  const titles = ({ items }: PageJson): readonly string[] => items.map(({ title }) => title);

  test("is in order of making, and whole if it is short", async () => {
    const { list } = await start();
    const page = await list("");
    expect(titles(page)).toEqual(["n0", "n1", "n2", "n3", "n4"]);
    expect(page.next).toBeNull();
  });

  test.each<[string, readonly string[]]>([
    ["?author=ada", ["n0", "n2", "n3"]],
    ["?tag=late", ["n3", "n4"]],
    ["?author=ada&tag=late", ["n3"]],
    ["?q=odd", ["n4"]],
    ["?q=100%25+odd", ["n4"]],
    ["?q=n2", ["n2"]],
    ["?q=ODD", []],
    ["?author=nobody", []],
    ["?order=title:desc", ["n4", "n3", "n2", "n1", "n0"]],
    ["?order=author,title:desc", ["n3", "n2", "n0", "n1", "n4"]],
    ["?order=id:desc&limit=2", ["n4", "n3"]],
    ["?order=createdAt:desc,id:desc&limit=1", ["n4"]],
  ])("%s", async (query, expected) => {
    expect(titles(await (await start()).list(query))).toEqual(expected);
  });

  test("goes on from page to page, each note once", async () => {
    const { list } = await start();
    const seen: string[] = [];
    let next: string | null = "";
    for (let pages = 0; next !== null; pages += 1) {
      expect(pages).toBeLessThan(4);
      const page: PageJson = await list(
        `?order=title:desc&limit=2${next === "" ? "" : `&cursor=${encodeURIComponent(next)}`}`,
      );
      seen.push(...titles(page));
      next = page.next;
    }
    expect(seen).toEqual(["n4", "n3", "n2", "n1", "n0"]);
  });
});

test("who hangs up is not worked for", async () => {
  const { app, mock } = await startApp();
  mock.hang();
  const controller = new AbortController();
  const asked = app.request("/notes", { signal: controller.signal });
  setImmediate(() => controller.abort());
  expect((await asked).status).toBe(499);
});

test("every answer forbids to be sniffed, framed or scripted", async () => {
  const { app } = await startApp();
  for (const path of ["/notes", "/nope", "/docs", "/", "/openapi.json", "/livez", "/health", "/notes/x"]) {
    const { headers } = await app.request(path);
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
  }
  expect((await app.request("/livez", { headers: { "x-request-id": "mine-1" } })).headers.get("x-request-id")).toBe(
    "mine-1",
  );
});

test("lists that sort all notes leave room for others: one too many is told to come again", async () => {
  const { app, mock } = await startApp();
  mock.latencyMs = 50;
  const lists = await Promise.all(Array.from({ length: 20 }, () => app.request("/notes?order=title:asc")));
  const statuses = lists.map(({ status }) => status).sort();
  expect(statuses).toEqual([...Array(16).fill(200), ...Array(4).fill(503)]);
  const refused = lists.find(({ status }) => status === 503);
  if (refused !== undefined) expect((await problemIn(refused)).detail).toContain("too many lists");
  for (const path of ["/notes?order=id:desc", "/notes?order=title"]) expect((await app.request(path)).status).toBe(200);
});

test("the log names the route that has answered, also where others would match", async () => {
  const { app, lines } = await startApp();
  for (const [path, route] of [
    ["/notes/export", "/notes/export"],
    ["/notes/notes:none", "/notes/:id"],
    ["/notes", "/notes"],
    ["/nothing", "/*"],
  ] as const) {
    await (await app.request(path)).text();
    expect(lines.findLast(({ message }) => message === "request")?.facts).toMatchObject({ route });
  }
});
