import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { html } from "../src/html.ts";
import { startApp } from "./harness.ts";

test.each(["/", "/docs"])("%s shows the document without a script and without asking anybody", async (path) => {
  const { app } = await startApp();
  const answer = await app.request(path);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const page = await answer.text();
  expect(page).not.toMatch(/<script|<link|<img|<iframe|url\(|@import|\son\w+=|\sstyle=/i);
  expect([...page.matchAll(/(?:href|src)="([^"]*)"/g)].every(([, target]) => /^[#/]/.test(target ?? ""))).toBe(true);
  for (const word of ["/notes/{id}", "createdAt:", "Only notes of this author", "at most 200 characters", "415"]) {
    expect(page).toContain(word.replace("createdAt:", "createdAt"));
  }
});

test("the policy lets exactly this page's style through", async () => {
  const { app } = await startApp();
  const answer = await app.request("/docs");
  const page = await answer.text();
  const [, style = ""] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
  const hash = createHash("sha256").update(style).digest("base64");
  expect(answer.headers.get("content-security-policy")).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
});

test("every link within the page leads somewhere", async () => {
  const { app } = await startApp();
  const page = await (await app.request("/docs")).text();
  const targets = [...page.matchAll(/href="#([^"]*)"/g)].map(([, target]) => target);
  expect(targets.length).toBeGreaterThan(10);
  for (const target of targets) expect(page).toContain(`id="${target}"`);
});

test("notes come first, and what a link leads to is open", async () => {
  const { app } = await startApp();
  const page = await (await app.request("/docs")).text();
  expect([...page.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, title]) => title)).toEqual([
    "notes",
    "health",
    "docs",
    "schemas",
  ]);
  expect(page).not.toMatch(/<details id=/);
  expect(page.match(/<details open id="schema-/g)?.length).toBeGreaterThan(5);
});

test("a narrow screen breaks the long words of a table", async () => {
  const { app } = await startApp();
  expect(await (await app.request("/docs")).text()).toMatch(/th, td \{[^}]*overflow-wrap: anywhere;/);
});

test("what is put into a page is escaped", () => {
  expect(html`<p>${"<b> & \"'"}${[html`<i>${1}</i>`, undefined]}</p>`.text).toBe(
    "<p>&lt;b&gt; &amp; &quot;&#39;<i>1</i></p>",
  );
});
