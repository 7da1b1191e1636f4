import fc from "fast-check";
import { expect, test } from "vitest";
import { json, note, problemIn, startApp } from "./harness.ts";

/** An answer to anything at all: a success or a refusal, never a failure of ours. */
async function isAnswered(answer: Response, lines: readonly { readonly level: string }[]): Promise<void> {
  expect(answer.status).toBeLessThan(500);
  if (answer.status >= 400) await problemIn(answer);
  expect(lines.filter(({ level }) => level === "error" || level === "warn")).toEqual([]);
}

const name = fc.constantFrom(
  "title",
  "content",
  "author",
  "tags",
  "id",
  "createdAt",
  "__proto__",
  "constructor",
  "a/b",
);

test("any JSON for a body", async () => {
  const { app, lines } = await startApp();
  const value = fc.oneof(fc.jsonValue(), fc.string({ unit: "binary" }), fc.dictionary(name, fc.jsonValue()));
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, value), fc.boolean(), async (fields, isNearlyRight) => {
      const body = JSON.stringify(isNearlyRight ? { ...note, ...fields } : fields);
      const made = await app.request("/notes", json("POST", body));
      await isAnswered(made, lines);
      if (made.status !== 201) return;
      const record: unknown = await made.json();
      expect(await (await app.request(made.headers.get("location") ?? "")).json()).toEqual(record);
    }),
  );
});

test("any bytes for a body", async () => {
  const { app, lines } = await startApp();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      await isAnswered(await app.request("/notes", { ...json("POST", ""), body: Buffer.from(bytes) }), lines);
    }),
  );
});

test("any query", async () => {
  const { app, lines } = await startApp();
  const parameter = fc.constantFrom("limit", "cursor", "order", "author", "tag", "q", "x", "__proto__", "");
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.integer().map(String),
    fc.constant("title:desc"),
  );
  const encode = fc.constantFrom(encodeURIComponent, (raw: string) => raw.replace(/[^!-~]|[#?&]/gu, ""));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(parameter, text, encode)), async (parameters) => {
      const query = parameters.map(([key, value, how]) => `${key}=${how(value)}`).join("&");
      await isAnswered(await app.request(`/notes?${query}`), lines);
    }),
  );
});

test("any path", async () => {
  const { app, lines } = await startApp();
  const method = fc.constantFrom("GET", "PATCH", "DELETE", "POST", "PUT");
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 30 }), method, async (key, verb) => {
      for (const path of [`/notes/${encodeURIComponent(key)}`, `/notes/notes:${encodeURIComponent(key)}`]) {
        const init = verb === "GET" || verb === "DELETE" ? { method: verb } : json(verb, { title: "x" });
        await isAnswered(await app.request(path, init), lines);
      }
    }),
  );
});
