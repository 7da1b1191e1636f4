import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { findBrowser, noBrowser } from "@db/browser";
import { chromium } from "playwright-core";
import { build } from "vite";
import { describe, expect, onTestFinished, test } from "vitest";
import { Ledger } from "../lab/ledger.ts";

const MAIN = fileURLToPath(new URL("../lab/main.ts", import.meta.url));
const OPS = fileURLToPath(new URL("../ops", import.meta.url));
const isFull = process.env.DB_TEST_SIZE === "full";

function startLab(args: readonly string[]): { child: ChildProcess; stdout: () => string; stderr: () => string } {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
  });
  return { child, stdout: () => stdout, stderr: () => stderr };
}

interface Report {
  readonly scenario: string;
  readonly sent: number;
  readonly confirmed: number;
  readonly queued: number;
  readonly refused: number;
  readonly lost: number;
  readonly doubled: number;
  readonly faults: readonly string[];
}

describe("the ledger", () => {
  test("finds what is lost, doubled or under another id", () => {
    const ledger = new Ledger("x");
    const [kept, lost, doubled, moved, refused] = Array.from({ length: 5 }, () => ledger.open());
    for (const [write, id] of [
      [kept, "a"],
      [lost, "b"],
      [doubled, "c"],
      [moved, "d"],
    ] as const)
      ledger.close(write?.index ?? -1, "confirmed", id);
    ledger.close(refused?.index ?? -1, "refused", undefined);
    const at = (write: { readonly title: string } | undefined, id: string) => ({ id, title: write?.title ?? "" });
    ledger.check([at(kept, "a"), at(doubled, "c"), at(doubled, "e"), at(moved, "z"), { id: "n", title: "another's" }]);
    expect(ledger.tally).toEqual({
      sent: 5,
      confirmed: 4,
      queued: 0,
      refused: 1,
      open: 0,
      checked: 4,
      lost: 2,
      doubled: 1,
    });
  });
});

test(`random cuts, flaps and kills lose and double nothing (${isFull ? 20 : 2})`, { timeout: 900_000 }, async () => {
  const lab = startLab(["--random", isFull ? "20" : "2", "--json"]);
  const [code] = (await once(lab.child, "exit")) as [number];
  const reports = JSON.parse(lab.stdout()) as readonly Report[];
  expect(
    reports.map(({ scenario, faults }) => [scenario, faults]).filter(([, faults]) => faults?.length !== 0),
  ).toEqual([]);
  for (const { sent, confirmed, queued, refused, lost, doubled } of reports) {
    expect(confirmed).toBeGreaterThan(0);
    expect(sent).toBe(confirmed + queued + refused);
    expect([lost, doubled]).toEqual([0, 0]);
  }
  expect(code, lab.stderr()).toBe(0);
});

test("a wrong option is told, with the help", { timeout: 30_000 }, async () => {
  for (const args of [["--script", "nothing"], ["--limit", "x"], ["--unknown"]]) {
    const lab = startLab(args);
    expect((await once(lab.child, "exit"))[0]).toBe(2);
    expect(lab.stderr()).toContain("Usage: npm run lab");
  }
});

test.skipIf(findBrowser() === undefined)(
  "the page says within a second that the database is cut, keeps its history, and ends with nothing lost",
  { timeout: 120_000 },
  async () => {
    const executablePath = findBrowser() ?? noBrowser;
    await build({ root: OPS, logLevel: "error" });
    const lab = startLab(["--port", "0", "--limit", "3"]);
    await expect.poll(() => lab.stdout(), { timeout: 60_000 }).toContain("/ops");
    const [url = ""] = /http:\S+/.exec(lab.stdout()) ?? [];
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(url);
    await page.getByRole("heading", { level: 1, name: "Healthy" }).waitFor();
    await page.getByRole("button", { name: "Cut past the limit" }).click();
    const cutAt = Date.now();
    await page.getByRole("heading", { level: 1, name: "Outage" }).waitFor({ timeout: 2_000 });
    // The click has its own way to the lab; the page knows within a second of the cut itself.
    expect(Date.now() - cutAt).toBeLessThan(1_500);
    await page.getByRole("heading", { level: 1, name: "Unavailable" }).waitFor({ timeout: 6_000 });
    await page.reload();
    await page.getByText("connection lost").waitFor();
    await page.getByRole("heading", { level: 1, name: "Healthy" }).waitFor({ timeout: 20_000 });
    await page.locator("#lab-last").waitFor({ timeout: 20_000 });
    expect(await page.locator("#lab-last").textContent()).toContain("as promised");
    expect(await page.locator("#lab-lost").textContent()).toBe("lost 0");
    expect(await page.locator("#lab-doubled").textContent()).toBe("doubled 0");
    expect(complaints).toEqual([]);
  },
);
