import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findBrowser, noBrowser } from "@db/browser";
import { createDatabase, DatabaseErrorOf, type DatabaseService } from "@db/core";
import { WriteQueue } from "@db/queue";
import { MockDatabase } from "@db/testing";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createApp } from "../src/app.ts";
import { EventStreams } from "../src/event-streams.ts";
import { Operator } from "../src/operator.ts";
import { type OpsAssets, readOpsAssets } from "../src/ops-assets.ts";
import { Recorder } from "../src/ops-recorder.ts";
import { listen } from "../src/server.ts";
import { note, startApp } from "./harness.ts";

interface Given {
  readonly db: DatabaseService;
  readonly queue: WriteQueue;
  readonly token: string;
}

function queueFacts(queue: WriteQueue | undefined) {
  if (queue === undefined) return {};
  return { queue: () => ({ ...queue.stats(), etaMs: queue.stats().etaMs ?? null }) };
}

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
  async function open(options: BrowserContextOptions = {}, given?: Given) {
    const { mock, ...harness } = await startApp();
    const { db = harness.db, queue, token = "" } = given ?? {};
    const streams = new EventStreams();
    const recorder = new Recorder({ db, pools: () => [], ...queueFacts(queue), isDraining: () => false, slowMs: 100 });
    const about = {
      service: "notes",
      version: "1.2.3",
      startedAt: Date.now(),
      node: "24",
      configuration: [["PORT", "8080"]] as const,
      hasOperator: token !== "",
      hasLab: false,
    };
    const logger = { debug() {}, info() {}, warn() {}, error() {} };
    const app = createApp({
      db,
      logger,
      ops: { recorder, streams, about, queue, operator: new Operator(token), labUrl: "", assets },
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

  test("says within a second that the database is away, and that it is back", async () => {
    const { page, mock, complaints } = await open();
    const told = async (name: string, cause: () => void): Promise<number> => {
      const start = performance.now();
      cause();
      await page.getByRole("heading", { level: 1, name }).waitFor();
      return performance.now() - start;
    };
    const took: { readonly away: number; readonly back: number }[] = [];
    for (let round = 0; round < 3; round += 1) {
      const away = await told("Outage", () => mock.goAway());
      took.push({ away, back: await told("Healthy", () => mock.comeBack()) });
    }
    // The best of three: a machine that pauses is not the page's.
    expect(Math.min(...took.map(({ away }) => away))).toBeLessThan(1_000);
    expect(Math.min(...took.map(({ back }) => back))).toBeLessThan(1_000);
    expect(complaints).toEqual([]);
  });

  test("counts to the next dial, and tells of an outage from its begin to its end", async () => {
    const { page, mock, complaints } = await open();
    // Longer than a machine pauses, so that the page is seen before the limit as well.
    mock.goAway({ retryAfterMs: 30_000, unavailableAfterMs: 4_000 });
    await page.getByRole("heading", { name: "Outage" }).waitFor();
    expect(await page.locator(".countdown").first().textContent()).toMatch(/^\d+ s$/);
    await page.getByRole("heading", { name: "Unavailable" }).waitFor();
    mock.comeBack();
    await page.getByRole("heading", { name: "Healthy" }).waitFor();
    const timeline = await page.locator(".timeline li").allTextContents();
    expect(timeline[0]).toContain("connected");
    expect(timeline[1]).toContain("connection lost");
    expect(complaints).toEqual([]);
  });

  test("a reload keeps the history", async () => {
    const { page, db } = await open();
    await db.create("notes", note);
    await callsOf(page, "create").waitFor();
    // Longer than one sample, shorter than the minute that the table covers.
    await page.waitForTimeout(2_500);
    await page.reload();
    await callsOf(page, "create").waitFor();
    const table = page.getByRole("table", { name: /^Rate, the last minute/ });
    expect(await table.getByRole("row").count()).toBe(7);
  });

  test("what is old is marked as old when nothing more is heard", async () => {
    const { page, streams } = await open();
    streams.close();
    await page.getByRole("heading", { name: "Stale" }).waitFor();
    await page.locator("main.stale").waitFor();
  });

  test("it says since when it has heard nothing, and that does not move", async () => {
    const { page, streams } = await open();
    await page.route("**/ops/events", (route) => route.abort());
    streams.close();
    await page.getByRole("heading", { name: "Stale" }).waitFor();
    const told = page.locator(".verdict p");
    const first = await told.textContent();
    await page.waitForTimeout(2_200);
    expect(await told.textContent()).toBe(first);
  });

  test("what is pointed at in one chart is told in all, and an outage is seen behind their lines", async () => {
    const { page, mock } = await open();
    mock.goAway();
    await page.getByRole("heading", { name: "Outage" }).waitFor();
    await page.waitForTimeout(2_500);
    const { x = 0, y = 0, width = 0 } = (await page.locator(".plot").first().boundingBox()) ?? {};
    await page.mouse.move(x + width * 0.6, y + 40);
    const told = page.locator(".chart-title small");
    await expect.poll(() => told.count()).toBe(await page.locator(".chart").count());
    expect(new Set(await told.allTextContents()).size).toBe(1);
    // As wide as what was sampled of it by now.
    await expect.poll(() => page.locator(".plot canvas").first().evaluate(hasShade)).toBe(true);
    await page.mouse.move(0, 0);
    await expect.poll(() => told.count()).toBe(0);
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
      await callsOf(page, "create").waitFor();
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() =>
        (globalThis as unknown as { readonly axe: typeof axe }).axe.run({ resultTypes: ["violations"] }),
      );
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      expect(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    },
  );

  test("an operator sees what a dead letter holds, and has it tried again", async () => {
    const mock = new MockDatabase();
    const queue = await WriteQueue.open({ durability: "memory" });
    const db = createDatabase({ driver: mock, layers: [queue.layer] });
    await db.connect();
    mock.failNext(new DatabaseErrorOf("PERMISSION_DENIED", "not for you", {}));
    await queue.enqueue({ kind: "create", id: "notes:1", data: note });
    await expect.poll(() => queue.stats().dead).toBe(1);
    onTestFinished(async () => {
      await db.disconnect();
      await queue.close();
    });
    const { page, complaints } = await open({}, { db, queue, token: "0123456789abcdef" });
    await page.getByText("PERMISSION_DENIED").waitFor();
    expect(await page.getByText("What it holds").count()).toBe(0);
    await page.getByLabel("Operator's token").fill("0123456789abcdef");
    await page.getByRole("button", { name: "Use" }).click();
    await page.getByText("What it holds").click();
    expect(await page.locator(".dead pre").textContent()).toContain(note.title);
    await page.getByRole("button", { name: "Discard" }).click();
    await page.getByLabel("Why is it given up?").fill(" ");
    await page.getByRole("button", { name: "Discard for good" }).click();
    await page.getByRole("alert").getByText("reason: expected").waitFor();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("button", { name: "Yes, try again" }).click();
    await page.getByText("PERMISSION_DENIED").waitFor({ state: "detached" });
    await queue.barrier();
    expect(await db.read("notes:1")).toMatchObject(note);
    // The browser's own, of the reason that was none.
    expect(complaints).toEqual([expect.stringContaining("400 (Bad Request)")]);
  });

  test("the page is small", () => {
    const bytes = [...(assets?.files.values() ?? [])].reduce((sum, file) => sum + file.bytes.byteLength, 0);
    expect(bytes).toBeLessThan(40 * 1_024);
  });
});

/** The operation's row; a machine that is slow has it among the slow calls as well. */
function callsOf(page: Page, operation: string): Locator {
  const calls = page.getByRole("region", { name: "Calls of the last minute" });
  return calls.getByRole("cell", { name: operation, exact: true });
}

/** In the page: whether the canvas has a thin red anywhere, which no line has. */
function hasShade(canvas: unknown): boolean {
  const { width, height, getContext } = canvas as {
    readonly width: number;
    readonly height: number;
    getContext(kind: "2d"): { getImageData(...at: number[]): { readonly data: Uint8ClampedArray } };
  };
  const { data } = getContext.call(canvas, "2d").getImageData(0, 0, width, height);
  for (let at = 0; at < data.length; at += 4) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = data.subarray(at, at + 4);
    if (alpha > 20 && alpha < 60 && red > green + 80 && red > blue + 80) return true;
  }
  return false;
}
