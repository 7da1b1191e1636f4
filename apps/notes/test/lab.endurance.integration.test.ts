import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { findBrowser, noBrowser } from "@db/browser";
import { chromium } from "playwright-core";
import { build } from "vite";
import { describe, expect, onTestFinished, test } from "vitest";
import { Ledger } from "../lab/ledger.ts";
import { summaryOf } from "../lab/summary.ts";
import { expectNothingLost, playRandom, startLab } from "./lab-process.ts";

const OPS = fileURLToPath(new URL("../ops", import.meta.url));
const isFull = process.env.DB_TEST_SIZE === "full";

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

test("the summary counts all scenarios, what is lost once, and the worst of what comes late", () => {
  const report = {
    scenario: "x",
    pastLimit: false,
    sent: 3,
    confirmed: 1,
    queued: 1,
    refused: 1,
    lost: 0,
    doubled: 0,
    firstRefusedMs: 40,
    recoveredMs: 50,
    drainedMs: 60,
    standstillMs: { firstRefused: 0, recovered: 0 },
    faults: [],
  };
  const past = { ...report, pastLimit: true, firstRefusedMs: 1_900, recoveredMs: 70 };
  const lossy = { ...report, lost: 2, faults: ["2 acknowledged notes are lost"] };
  expect(summaryOf([report, past, lossy, { ...lossy, faults: [] }], 2_000)).toBe(
    "4 scenarios, 1 with faults: sent 12 = 4 confirmed + 4 queued + 4 refused; lost 2, doubled 0; " +
      "first 503 at most 100 ms from the limit (1 outages past it); first 201 at most 70 ms after the end",
  );
});

const RUNS = isFull ? 20 : 2;

test(`${RUNS} random cuts, flaps and kills lose and double nothing`, { timeout: 900_000 }, async () => {
  expectNothingLost(await playRandom(RUNS), RUNS);
});

test("a wrong option is told, with the help", { timeout: 30_000 }, async () => {
  for (const args of [["--script", "nothing"], ["--limit", "x"], ["--unknown"]]) {
    const lab = startLab(args);
    expect((await once(lab.child, "exit"))[0]).toBe(2);
    expect(lab.stderr()).toContain("Usage: npm run lab");
  }
});

test("a lab that is interrupted in a fault ends", { timeout: 60_000 }, async () => {
  const lab = startLab(["--script", "black-hole", "--limit", "20"]);
  await expect.poll(() => lab.stderr(), { timeout: 30_000 }).toContain("1/1");
  const gone = once(lab.child, "exit");
  lab.child.kill("SIGINT");
  expect((await gone)[0]).toBe(130);
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
