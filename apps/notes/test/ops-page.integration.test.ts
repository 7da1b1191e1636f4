import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findBrowser, noBrowser } from "@db/browser";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createApp } from "../src/app.ts";
import { EventStreams } from "../src/event-streams.ts";
import { Operator } from "../src/operator.ts";
import { type OpsAssets, readOpsAssets } from "../src/ops-assets.ts";
import { Recorder } from "../src/ops-recorder.ts";
import { listen } from "../src/server.ts";
import { note, startApp } from "./harness.ts";

const path = findBrowser();
if (path === undefined) {
  if (process.env.REQUIRE_BROWSER === "1") throw new Error(noBrowser);
  process.stderr.write(`The operator page is not looked at: ${noBrowser}\n`);
}

describe.skipIf(path === undefined)("the operator page in a browser", () => {
  let assets: OpsAssets | undefined;
  let browser: Browser;

  beforeAll(async () => {
    const outDir = await mkdtemp(join(tmpdir(), "notes-ops-"));
    await build({
      root: fileURLToPath(new URL("../ops", import.meta.url)),
      build: { outDir, emptyOutDir: true },
      logLevel: "error",
    });
    assets = await readOpsAssets(outDir);
    await rm(outDir, { recursive: true });
    browser = await chromium.launch({ executablePath: path ?? "", args: ["--no-sandbox"] });
  });
  afterAll(() => browser?.close());

  /** The service on a mock database, behind a port, and a page that looks at it. */
  async function open(options: BrowserContextOptions = {}) {
    const { db, mock } = await startApp();
    const streams = new EventStreams();
    const recorder = new Recorder({ db, pools: () => [], isDraining: () => false, slowMs: 100 });
    const about = {
      service: "notes",
      version: "1.2.3",
      startedAt: Date.now(),
      node: "24",
      configuration: [["PORT", "8080"]] as const,
      hasOperator: false,
      hasLab: false,
    };
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const app = createApp({
      db,
      logger,
      ops: { recorder, streams, about, queue: undefined, operator: new Operator(""), labUrl: "", assets },
    });
    const server = await listen(app, { host: "127.0.0.1", port: 0 });
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(server.url)) complaints.push(`asked for ${request.url()}`);
    });
    onTestFinished(async () => {
      await context.close();
      streams.close();
      recorder.close();
      await server.close(100);
    });
    await page.goto(`${server.url}/ops`);
    await page.getByRole("heading", { level: 1, name: "Healthy" }).waitFor();
    return { page, db, mock, streams, server, complaints };
  }

  test("says within a second that the database is away, counts to the next dial, and says when it is back", async () => {
    const { page, mock, complaints } = await open();
    mock.goAway({ retryAfterMs: 30_000, unavailableAfterMs: 2_000 });
    const cutAt = Date.now();
    await page.getByRole("heading", { name: "Outage" }).waitFor({ timeout: 1_000 });
    expect(Date.now() - cutAt).toBeLessThan(1_000);
    expect(await page.locator(".countdown").first().textContent()).toMatch(/^\d+ s$/);
    await page.getByRole("heading", { name: "Unavailable" }).waitFor({ timeout: 4_000 });
    mock.comeBack();
    await page.getByRole("heading", { name: "Healthy" }).waitFor({ timeout: 1_000 });
    const timeline = await page.locator(".timeline li").allTextContents();
    expect(timeline[0]).toContain("connected");
    expect(timeline[1]).toContain("connection lost");
    expect(complaints).toEqual([]);
  });

  test("a reload keeps the history", async () => {
    const { page, db } = await open();
    await db.create("notes", note);
    await page.getByRole("cell", { name: "create", exact: true }).waitFor();
    // Longer than one sample, shorter than the minute that the table covers.
    await page.waitForTimeout(2_500);
    await page.reload();
    await page.getByRole("cell", { name: "create", exact: true }).waitFor({ timeout: 1_000 });
    const table = page.getByRole("table", { name: /^Rate, the last minute/ });
    expect(await table.getByRole("row").count()).toBe(7);
  });

  test("what is old is marked as old when nothing more is heard", async () => {
    const { page, streams } = await open();
    streams.close();
    await page.getByRole("heading", { name: "Stale" }).waitFor({ timeout: 5_000 });
    expect(await page.locator("main").getAttribute("class")).toBe("stale");
  });

  test("the charts can be frozen and ranged from the keyboard", async () => {
    const { page } = await open();
    await page.keyboard.press("Tab");
    expect(await page.locator("select").evaluate((element) => element.matches(":focus"))).toBe(true);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    expect(await page.getByRole("button", { name: "Go on" }).getAttribute("aria-pressed")).toBe("true");
    await page.keyboard.press("Space");
    expect(await page.getByRole("button", { name: "Freeze" }).getAttribute("aria-pressed")).toBe("false");
  });

  test.each([
    ["light", 1_280],
    ["dark", 1_280],
    ["light", 390],
    ["dark", 390],
  ] as const)(
    "nothing serious for axe, and nothing wider than the screen: %s, %i pixels",
    async (colorScheme, width) => {
      const { page, db, mock } = await open({ colorScheme, viewport: { width, height: 844 } });
      await db.create("notes", note);
      await db.delete("notes:none").catch(() => {});
      mock.goAway();
      await page.getByRole("cell", { name: "create", exact: true }).waitFor();
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() =>
        (globalThis as unknown as { readonly axe: typeof axe }).axe.run({ resultTypes: ["violations"] }),
      );
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      expect(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    },
  );

  test("the page is small", () => {
    const bytes = [...(assets?.files.values() ?? [])].reduce((sum, file) => sum + file.bytes.byteLength, 0);
    expect(bytes).toBeLessThan(40 * 1_024);
  });
});
