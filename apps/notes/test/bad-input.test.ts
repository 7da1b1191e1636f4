import { describe, expect, test } from "vitest";
import { json, note, problemIn, startApp } from "./harness.ts";

const BODY_LIMIT = 4_096;

const bytes = (...parts: readonly (string | number)[]): RequestInit => {
  const body = Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.from([part]) : Buffer.from(part))));
  return { method: "POST", headers: { "content-type": "application/json" }, body };
};
const typed = (type: string | undefined, more: Record<string, string> = {}): RequestInit => {
  const headers = { ...(type === undefined ? {} : { "content-type": type }), ...more };
  return { method: "POST", headers, body: Buffer.from(JSON.stringify(note)) };
};
/** In chunks, so that no header tells its length. */
const streamed = (text: string): RequestInit => {
  const body = new ReadableStream({
    start(controller) {
      for (let at = 0; at < text.length; at += 100) controller.enqueue(Buffer.from(text.slice(at, at + 100)));
      controller.close();
    },
  });
  return { method: "POST", headers: { "content-type": "application/json" }, body, duplex: "half" } as RequestInit;
};
const post = (change: object): RequestInit => json("POST", { ...note, ...change });

/** What is sent, the status, and where the fault is: its place, pointer and rule. */
type Bad = readonly [
  name: string,
  path: string,
  init: RequestInit,
  status: number,
  fault?: readonly [string, string, string] | undefined,
];

const bodies: readonly Bad[] = [
  ["broken JSON", "/notes", bytes("{"), 400, ["body", "", "json"]],
  ["half a text", "/notes", bytes('{"title":"a'), 400, ["body", "", "json"]],
  ["two values", "/notes", bytes("{}{}"), 400, ["body", "", "json"]],
  ["no body", "/notes", bytes(""), 400, ["body", "", "json"]],
  ["white space", "/notes", bytes(" \n"), 400, ["body", "", "json"]],
  ["NaN", "/notes", bytes('{"title":NaN}'), 400, ["body", "", "json"]],
  ["invalid UTF-8", "/notes", bytes('{"title":"', 0xff, '"}'), 400, ["body", "", "utf8"]],
  ["overlong UTF-8", "/notes", bytes('{"title":"', 0xc0, 0xaf, '"}'), 400, ["body", "", "utf8"]],
  ["half a character", "/notes", bytes('{"title":"', 0xe2, 0x82), 400, ["body", "", "utf8"]],
  ["an array", "/notes", json("POST", []), 400, ["body", "", "type"]],
  ["a text", "/notes", json("POST", '"note"'), 400, ["body", "", "type"]],
  ["null", "/notes", json("POST", "null"), 400, ["body", "", "type"]],
  ["deep nesting", "/notes", bytes("[".repeat(2_000), "]".repeat(2_000)), 400, ["body", "", "type"]],
  [
    "deep nesting in a field",
    "/notes",
    post({ tags: JSON.parse("[".repeat(500) + "]".repeat(500)) }),
    400,
    ["body", "/tags/0", "type"],
  ],
  ["a missing field", "/notes", post({ title: undefined }), 400, ["body", "/title", "required"]],
  ["a wrong type", "/notes", post({ title: 5 }), 400, ["body", "/title", "type"]],
  ["null for a text", "/notes", post({ content: null }), 400, ["body", "/content", "type"]],
  ["an object for a text", "/notes", post({ author: {} }), 400, ["body", "/author", "type"]],
  ["an empty title", "/notes", post({ title: "" }), 400, ["body", "/title", "min_length"]],
  ["a long title", "/notes", post({ title: "x".repeat(201) }), 400, ["body", "/title", "max_length"]],
  ["a script tag", "/notes", post({ title: "< SCRIPT>" }), 400, ["body", "/title", "no_script"]],
  [
    "a lone surrogate",
    "/notes",
    bytes('{"title":"\\ud800","content":"b","author":"c"}'),
    400,
    ["body", "/title", "unicode"],
  ],
  ["an author with a space", "/notes", post({ author: "a b" }), 400, ["body", "/author", "pattern"]],
  ["an empty tag", "/notes", post({ tags: ["a", ""] }), 400, ["body", "/tags/1", "min_length"]],
  ["too many tags", "/notes", post({ tags: Array(11).fill("t") }), 400, ["body", "/tags", "max_length"]],
  ["an unknown field", "/notes", post({ colour: "red" }), 400, ["body", "/colour", "unknown_field"]],
  [
    "a field with a long name",
    "/notes",
    post({ ["k".repeat(70)]: 1 }),
    400,
    ["body", `/${"k".repeat(64)}…`, "unknown_field"],
  ],
  ["a field with a slash", "/notes", post({ "a/b~c": 1 }), 400, ["body", "/a~1b~0c", "unknown_field"]],
  ["an id of one's own", "/notes", post({ id: "notes:1" }), 400, ["body", "/id", "unknown_field"]],
  [
    "a time of one's own",
    "/notes",
    post({ createdAt: "2026-01-31T00:00:00Z" }),
    400,
    ["body", "/createdAt", "unknown_field"],
  ],
  [
    "__proto__",
    "/notes",
    bytes('{"title":"a","content":"b","author":"c","__proto__":{"x":1}}'),
    400,
    ["body", "/__proto__", "unknown_field"],
  ],
  ["constructor", "/notes", post({ constructor: { prototype: {} } }), 400, ["body", "/constructor", "unknown_field"]],
  ["a body over the limit", "/notes", post({ content: "x".repeat(BODY_LIMIT) }), 413, ["body", "", "max_bytes"]],
  ["a streamed body over the limit", "/notes", streamed(`"${"x".repeat(BODY_LIMIT)}"`), 413, ["body", "", "max_bytes"]],
  ["a body of 1 MB", "/notes", streamed(" ".repeat(1_000_000)), 413, ["body", "", "max_bytes"]],
  ["a form", "/notes", typed("application/x-www-form-urlencoded"), 415, ["body", "", "content_type"]],
  ["plain text", "/notes", typed("text/plain"), 415, ["body", "", "content_type"]],
  ["no type at all", "/notes", typed(undefined), 415, ["body", "", "content_type"]],
  ["JSON of another sort", "/notes", typed("application/jsonp"), 415, ["body", "", "content_type"]],
  ["another encoding", "/notes", typed("application/json; charset=latin1"), 415, ["body", "", "content_type"]],
  [
    "a compressed body",
    "/notes",
    typed("application/json", { "content-encoding": "gzip" }),
    415,
    ["body", "", "content_type"],
  ],
  ["a patch of a wrong type", "/notes/notes:1", json("PATCH", { title: 5 }), 400, ["body", "/title", "type"]],
  [
    "a patch with an unknown field",
    "/notes/notes:1",
    json("PATCH", { colour: 1 }),
    400,
    ["body", "/colour", "unknown_field"],
  ],
  [
    "a patch of updatedAt",
    "/notes/notes:1",
    json("PATCH", { updatedAt: "x" }),
    400,
    ["body", "/updatedAt", "unknown_field"],
  ],
  [
    "a patch that takes a title away",
    "/notes/notes:1",
    json("PATCH", { title: null }),
    400,
    ["body", "/title", "type"],
  ],
  ["a patch without JSON", "/notes/notes:1", { method: "PATCH", body: "x" }, 415, ["body", "", "content_type"]],
];

const ids: readonly Bad[] = [
  ["another collection's", "/notes/users:1", {}, 400, ["path", "/id", "record_id"]],
  ["another collection's, to change", "/notes/users:1", json("PATCH", {}), 400, ["path", "/id", "record_id"]],
  ["another collection's, to remove", "/notes/users:1", { method: "DELETE" }, 400, ["path", "/id", "record_id"]],
  ["a key alone", "/notes/1", {}, 400, ["path", "/id", "record_id"]],
  ["no key", "/notes/notes:", {}, 400, ["path", "/id", "record_id"]],
  ["NUL", "/notes/notes:%00", {}, 400, ["path", "/id", "record_id"]],
  ["no UTF-8", "/notes/notes:%ff", {}, 400, ["path", "/id", "record_id"]],
  ["half a character", "/notes/notes:%e2%82?x=1", { method: "DELETE" }, 400, ["path", "/id", "record_id"]],
  ["percent alone", "/notes/notes:100%", json("PATCH", { title: "x" }), 400, ["path", "/id", "record_id"]],
  ["a long key", `/notes/notes:${"x".repeat(513)}`, {}, 400, ["path", "/id", "record_id"]],
  ["one that is not there", "/notes/notes:1", {}, 404],
  ["one that is not there, to change", "/notes/notes:1", json("PATCH", { title: "x" }), 404],
  ["one that is not there, to remove", "/notes/notes:1", { method: "DELETE" }, 404],
];

const queries: readonly Bad[] = [
  ["a negative limit", "?limit=-1", {}, 400, ["query", "/limit", "limit"]],
  ["no limit at all", "?limit=0", {}, 400, ["query", "/limit", "limit"]],
  ["a high limit", "?limit=101", {}, 400, ["query", "/limit", "limit"]],
  ["half a limit", "?limit=1.5", {}, 400, ["query", "/limit", "limit"]],
  ["a limit in words", "?limit=ten", {}, 400, ["query", "/limit", "limit"]],
  ["an empty limit", "?limit=", {}, 400, ["query", "/limit", "limit"]],
  ["two limits", "?limit=1&limit=2", {}, 400, ["query", "/limit", "repeated"]],
  ["a made-up cursor", "?cursor=abc", {}, 400, ["query", "/cursor", "cursor"]],
  ["an empty cursor", "?cursor=", {}, 400, ["query", "/cursor", "cursor"]],
  ["a long cursor", `?cursor=${"a".repeat(70_000)}`, {}, 400, ["query", "/cursor", "cursor"]],
  [
    "a forged cursor",
    `?cursor=${Buffer.from('[1,"x",[[4,"notes:1"]]]').toString("base64url")}`,
    {},
    400,
    ["query", "/cursor", "cursor"],
  ],
  ["an unknown order", "?order=colour", {}, 400, ["query", "/order", "order"]],
  ["an unknown direction", "?order=title:up", {}, 400, ["query", "/order", "order"]],
  ["the same order twice", "?order=title,title:desc", {}, 400, ["query", "/order", "order"]],
  ["an empty order", "?order=", {}, 400, ["query", "/order", "order"]],
  ["an order by a prototype's field", "?order=__proto__", {}, 400, ["query", "/order", "order"]],
  ["an empty author", "?author=", {}, 400, ["query", "/author", "min_length"]],
  ["a long search", `?q=${"x".repeat(201)}`, {}, 400, ["query", "/q", "max_length"]],
  ["an unknown parameter", "?colour=red", {}, 400, ["query", "/colour", "unknown_field"]],
  ["__proto__", "?__proto__=1", {}, 400, ["query", "/__proto__", "unknown_field"]],
  ["percent without UTF-8", "?author=%ff", {}, 400, ["query", "/author", "utf8"]],
  ["a long name", `?${"k".repeat(70)}=1`, {}, 400, ["query", `/${"k".repeat(64)}…`, "unknown_field"]],
  [
    "a long name twice",
    `?${"k=1&".repeat(2).replaceAll("k", "k".repeat(70))}`,
    {},
    400,
    ["query", `/${"k".repeat(64)}…`, "repeated"],
  ],
  ["a long name without UTF-8", `?${"k".repeat(70)}=%`, {}, 400, ["query", `/${"k".repeat(64)}…`, "utf8"]],
  ["percent alone", "?author=%", {}, 400, ["query", "/author", "utf8"]],
];

const routes: readonly Bad[] = [
  ["an unknown path", "/nope", {}, 404],
  ["a path below a note", "/notes/notes:1/x", {}, 404],
  ["a slash at the end", "/notes/", {}, 404],
  ["the path in capitals", "/Notes", {}, 404],
];

const tables: Readonly<Record<string, readonly Bad[]>> = {
  "a body": bodies,
  "an id": ids,
  "a query": queries.map(([name, query, init, status, fault]) => [name, `/notes${query}`, init, status, fault]),
  "a route": routes,
};

for (const [kind, table] of Object.entries(tables)) {
  describe(kind, () => {
    for (const [name, path, init, status, fault] of table) {
      test(name, async () => {
        const { app, mock, lines } = await startApp({ bodyLimitBytes: BODY_LIMIT });
        mock.clearCalls();
        const answer = await app.request(path, init);
        expect(answer.status).toBe(status);
        const { errors } = await problemIn(answer);
        if (fault === undefined) expect(errors).toBeUndefined();
        else expect(errors?.map(({ in: place, pointer, rule }) => [place, pointer, rule])).toEqual([fault]);
        if (status !== 404) expect(mock.calls).toEqual([]);
        expect(lines.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
      });
    }
  });
}

test.each([
  ["/notes", "PUT", "GET, HEAD, POST"],
  ["/notes", "DELETE", "GET, HEAD, POST"],
  ["/notes", "OPTIONS", "GET, HEAD, POST"],
  ["/notes/bulk", "GET", "POST"],
  ["/notes/bulk", "DELETE", "POST"],
  ["/notes/export", "DELETE", "GET, HEAD"],
  ["/notes/changes", "PATCH", "GET, HEAD"],
  ["/notes/notes:1", "POST", "GET, HEAD, PATCH, DELETE"],
  ["/notes/notes:1", "PUT", "GET, HEAD, PATCH, DELETE"],
  ["/livez", "POST", "GET, HEAD"],
  ["/readyz", "DELETE", "GET, HEAD"],
  ["/health", "PATCH", "GET, HEAD"],
  ["/docs", "POST", "GET, HEAD"],
  ["/openapi.json", "POST", "GET, HEAD"],
])("%s has no %s and says what it has", async (path, method, allow) => {
  const { app } = await startApp();
  const answer = await app.request(path, { method });
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe(allow);
  await problemIn(answer);
});

test("all faults of a body come at once, none with what was sent", async () => {
  const { app, lines } = await startApp();
  const secret = "s3cr3t";
  const answer = await app.request(
    "/notes",
    json("POST", { title: "", author: `${secret}!`, tags: [secret, 5], x: secret }),
  );
  const problem = await problemIn(answer);
  expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(["/title", "/content", "/author", "/tags/1", "/x"]);
  expect(JSON.stringify([problem, lines])).not.toContain(secret);
});

test("a cursor of another filter or order is refused", async () => {
  const { app } = await startApp();
  for (let index = 0; index < 3; index += 1) await app.request("/notes", json("POST", note));
  const page = (await (await app.request("/notes?author=ada&limit=1")).json()) as { readonly next: string };
  const ask = (query: string): Promise<Response> => Promise.resolve(app.request(`/notes?cursor=${page.next}&${query}`));
  expect((await ask("author=ada")).status).toBe(200);
  for (const query of ["author=bob", "", "author=ada&order=title"]) {
    const answer = await ask(query);
    expect(answer.status).toBe(400);
    expect((await problemIn(answer)).errors?.[0]).toMatchObject({ in: "query", pointer: "/cursor" });
  }
});

test("messages name what is wrong: the collection of an id, a parameter that is given twice", async () => {
  const { app } = await startApp();
  const detailOf = async (path: string): Promise<string> => (await problemIn(await app.request(path))).detail;
  expect(await detailOf("/notes/1")).toMatch(/^expected an id "notes:<key>" with /);
  expect(await detailOf("/notes?limit=1&limit=2")).toBe(
    "parameters: expected limit to be one value, but it is given twice",
  );
  expect(await detailOf(`/notes?${Array.from({ length: 30 }, (_, index) => `x${index}=1`).join("&")}`)).toBe(
    "parameters: expected x0 to be absent, and 29 more",
  );
});

test("a body that is whole and says that it is not compressed is taken, in any case", async () => {
  const { app } = await startApp();
  expect((await app.request("/notes", typed("Application/JSON", { "content-encoding": "Identity" }))).status).toBe(201);
});

test("a note of the longest content that people can write fits; 1 MB does not", async () => {
  const { app } = await startApp();
  const kiss = "👩🏽‍❤️‍💋‍👨🏽";
  expect(Buffer.byteLength(kiss)).toBe(35);
  const longest = post({
    title: kiss.repeat(200),
    content: kiss.repeat(10_000),
    tags: Array.from({ length: 10 }, () => kiss.repeat(50)),
  });
  expect((await app.request("/notes", longest)).status).toBe(201);
  expect((await app.request("/notes", post({ content: "x".repeat(999_000) }))).status).toBe(413);
});

test("a change of nothing is a change; of two fields of one name the last counts", async () => {
  const { app, db } = await startApp();
  await db.create("notes", { ...note, tags: [], createdAt: new Date(0), updatedAt: new Date(0) }, { id: "notes:1" });
  const changed = await app.request("/notes/notes:1", json("PATCH", {}));
  expect(changed.status).toBe(200);
  const { updatedAt } = (await changed.json()) as { readonly updatedAt: string };
  expect(Date.parse(updatedAt)).toBeGreaterThan(0);
  const twice = await app.request("/notes/notes:1", json("PATCH", '{"title":"a","title":"b"}'));
  expect(await twice.json()).toMatchObject({ title: "b" });
});
