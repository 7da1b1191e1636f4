import { setTimeout as sleep } from "node:timers/promises";
import { Course } from "./course.ts";
import { Ledger, type Tally } from "./ledger.ts";
import type { Scenario } from "./scenarios.ts";
import type { World } from "./world.ts";
import { Writer } from "./writer.ts";

/** What came of one scenario. */
export interface Report extends Omit<Tally, "open" | "checked"> {
  readonly scenario: string;
  /** Whether the outage was to last past the limit. */
  readonly pastLimit: boolean;
  /** From the fault to the first 503, in milliseconds; null where there was none. */
  readonly firstRefusedMs: number | null;
  /** From the end of the fault to the first 201 of a request that began after it, in milliseconds. */
  readonly recoveredMs: number | null;
  /** From the end of the fault until nothing waits any more, in milliseconds. */
  readonly drainedMs: number;
  /** For how long the lab itself stood still in the time to the first 503 and in that to the first 201. */
  readonly standstillMs: { readonly firstRefused: number; readonly recovered: number };
  /** What is wrong, in words; empty where nothing is. */
  readonly faults: readonly string[];
}

const AFTER_MS = 1_500;
const SHORT_MS = 50;
const SETTLE_MS = 90_000;
/** What the issue of a recovery may be late by, and the limit by either way, where the lab itself does not stand still. */
const RECOVERY_MS = 2_000;
const LIMIT_SLACK_MS = 1_000;
/** An outage that begins within a second of the end of another is the same one, and its limit has passed already. */
const SOUND_MS = 1_100;

/** Plays faults against the service while notes are written to it, and counts what became of each of them. */
export class Lab implements AsyncDisposable {
  readonly #world: World;
  readonly #ledger: Ledger;
  readonly #writer: Writer;
  readonly #runId: string;
  #playing: string | undefined;

  constructor(world: World, rate: number) {
    this.#world = world;
    this.#runId = Math.random().toString(36).slice(2, 10);
    this.#ledger = new Ledger(this.#runId);
    this.#writer = new Writer({ url: world.service.url, ledger: this.#ledger, rate, run: this.#runId });
  }

  get playing(): string | undefined {
    return this.#playing;
  }

  get tally(): Tally {
    return this.#ledger.tally;
  }

  async play(scenario: Scenario): Promise<Report> {
    if (this.#playing !== undefined) throw new Error(`expected no scenario to be played, got ${this.#playing}`);
    this.#playing = scenario.name;
    try {
      return await this.#play(scenario);
    } finally {
      this.#playing = undefined;
      this.#writer.paused = false;
    }
  }

  /** Writes no more, and waits for the answers. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.stop();
  }

  async #play(scenario: Scenario): Promise<Report> {
    const before = this.#ledger.tally;
    const seen = new Course(this.#world.limitMs, this.#world.standstill);
    this.#writer.onAnswer = (answer, at, askedAt) => seen.answered(answer, at, askedAt);
    await scenario.play(this.#world);
    const liftedAt = performance.now();
    seen.lift();
    await this.#world.wait(AFTER_MS);
    // As long as it may yet be in time, it has something to answer.
    for (let waitedMs = AFTER_MS; seen.recovered === undefined && waitedMs < RECOVERY_MS; waitedMs += SHORT_MS)
      await this.#world.wait(SHORT_MS);
    this.#writer.paused = true;
    await this.#writer.settled();
    const drainedMs = Math.round((await this.#sound()) - liftedAt);
    this.#ledger.check(await this.#stored());
    const after = this.#ledger.tally;
    const since = (key: "sent" | "confirmed" | "queued" | "refused" | "open"): number => after[key] - before[key];
    const report = {
      scenario: scenario.name,
      pastLimit: scenario.refuses === "must",
      // With those that were sent before and are answered now.
      sent: since("sent") - since("open"),
      confirmed: since("confirmed"),
      queued: since("queued"),
      refused: since("refused"),
      lost: after.lost,
      doubled: after.doubled,
      firstRefusedMs: seen.firstRefused?.ms ?? null,
      recoveredMs: seen.recovered?.ms ?? null,
      drainedMs,
      standstillMs: {
        firstRefused: seen.firstRefused?.standstillMs ?? 0,
        recovered: seen.recovered?.standstillMs ?? 0,
      },
    };
    return { ...report, faults: faultsOf(report, scenario, this.#world.limitMs, seen.undue) };
  }

  /** Until the queue is empty and the database answers, and has for long enough. Resolves to when it began to. */
  async #sound(): Promise<number> {
    const until = performance.now() + SETTLE_MS;
    let since: number | undefined;
    for (;;) {
      const health = await this.#health();
      const now = performance.now();
      since = health?.status === "pass" ? (since ?? now) : undefined;
      if (since !== undefined && now - since >= SOUND_MS) return since;
      if (now > until)
        throw new Error(`expected the service to recover within ${SETTLE_MS} ms, got ${JSON.stringify(health)}`);
      await sleep(SHORT_MS);
    }
  }

  async #health(): Promise<{ readonly status: string } | undefined> {
    try {
      const answer = await fetch(`${this.#world.service.url}/health`, { signal: AbortSignal.timeout(6_000) });
      const health = (await answer.json()) as {
        readonly status: string;
        readonly checks: { readonly [name: string]: readonly { readonly observedValue?: number }[] };
      };
      const depth = health.checks["queue:depth"]?.[0]?.observedValue ?? 0;
      return depth === 0 ? health : { ...health, status: "waiting" };
    } catch {
      return undefined;
    }
  }

  async #stored(): Promise<readonly { readonly id: string; readonly title: string }[]> {
    const answer = await fetch(`${this.#world.service.url}/notes/export`);
    if (answer.status !== 200) throw new Error(`expected all notes, got ${answer.status} ${await answer.text()}`);
    const lines = (await answer.text()).split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as { readonly id: string; readonly title: string });
  }
}

function faultsOf(
  report: Omit<Report, "faults">,
  scenario: Scenario,
  limitMs: number,
  undue: number,
): readonly string[] {
  const { sent, confirmed, queued, refused, lost, doubled, firstRefusedMs, recoveredMs, standstillMs } = report;
  const faults: string[] = [];
  if (lost > 0) faults.push(`${lost} acknowledged notes are lost`);
  if (doubled > 0) faults.push(`${doubled} notes are there twice`);
  if (sent !== confirmed + queued + refused)
    faults.push(`${sent} sent are not ${confirmed} confirmed + ${queued} queued + ${refused} refused`);
  if (recoveredMs === null || recoveredMs - standstillMs.recovered > RECOVERY_MS)
    faults.push(`the first 201 came ${recoveredMs ?? "never"} ms after the end, expected within ${RECOVERY_MS}`);
  if (scenario.refuses === "must" && !isAtLimit(firstRefusedMs, standstillMs.firstRefused, limitMs))
    faults.push(`the first 503 came after ${firstRefusedMs ?? "no"} ms, expected ${limitMs} ± ${LIMIT_SLACK_MS}`);
  if (scenario.refuses === undefined && undue > 0)
    faults.push(`${undue} of ${refused} were refused within the limit or after the recovery`);
  return faults;
}

function isAtLimit(firstRefusedMs: number | null, standstillMs: number, limitMs: number): boolean {
  if (firstRefusedMs === null) return false;
  return firstRefusedMs >= limitMs - LIMIT_SLACK_MS && firstRefusedMs - standstillMs <= limitMs + LIMIT_SLACK_MS;
}
