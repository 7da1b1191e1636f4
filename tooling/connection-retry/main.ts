// Shows the startup wait, an outage and the recovery to a person. Run it by scripts/test-connection-retry.
import { createDatabase } from "@db/core";
import { surreal } from "@db/surreal";
import { type SurrealServer, startSurreal } from "@db/testing";
import { type Options, readOptions, usage } from "./options.ts";
import { pause, StateTeller, Timeline, watchHealth } from "./timeline.ts";
import { Writers } from "./writers.ts";

/** Without a write acknowledged for so long after its return, the database has not come back for its callers. */
const RECOVERY_MS = 10_000;
/** For what is asked before and after the show, whose deadlines are for the callers in it. */
const ASIDE = { timeoutMs: 30_000 };
const ROOT = { username: "root", password: "root" };
const PLACE = { namespace: "notes", database: "notes" };

const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupted.abort());

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: Options | undefined;
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(usage);
    return 0;
  }
  const ended = interrupted.signal;
  await using server = await startSurreal({ engine: "rocksdb", startTimeoutMs: 60_000 });
  await server.kill();
  const isRight = await show(server, options, ended).catch((error: unknown) => {
    // What is under way when somebody interrupts may fail by that.
    if (!ended.aborted) throw error;
    return false;
  });
  if (!ended.aborted) return isRight ? 0 : 1;
  process.stdout.write("interrupted; the server is stopped and its folder removed\n");
  return 130;
}

async function show(server: SurrealServer, options: Options, ended: AbortSignal): Promise<boolean> {
  const { startAfterMs, steadyMs, outageMs, unavailableAfterMs, timeoutMs, callers } = options;
  const timeline = new Timeline();
  const driver = surreal({ url: server.url, ...PLACE, authentication: ROOT, unavailableAfterMs });
  const states = new StateTeller(timeline);
  driver.onStateChange((state) => states.tell(state));
  await using db = createDatabase({ driver, timeoutMs });
  const watching = new AbortController();
  const signal = AbortSignal.any([ended, watching.signal]);

  timeline.act(`connect() while nothing listens on port ${server.port}`);
  const connecting = db.connect({ signal: ended });
  // Awaited below, unless the wait is interrupted.
  connecting.catch(() => {});
  const health = watchHealth(db, timeline, signal);
  await pause(startAfterMs, ended);
  if (!ended.aborted) {
    timeline.act("the database starts …");
    await server.restart();
    timeline.act("… and listens");
    await connecting;
    timeline.tell("connect", "resolved");
    await db.query("DEFINE TABLE IF NOT EXISTS notes", {}, ASIDE);
  }

  const writers = new Writers(db, timeline);
  const writing = writers.run(callers, signal);
  let recovered = false;
  await pause(steadyMs, ended);
  if (!ended.aborted) {
    timeline.act(`the database is killed (kill -9) under ${callers} writers; it will be away for ${outageMs} ms`);
    await server.kill();
    await pause(outageMs, ended);
  }
  if (!ended.aborted) {
    timeline.act("the database starts again …");
    await server.restart();
    timeline.act("… and listens");
    const back = new AbortController();
    void writers.acknowledgement().then(() => back.abort());
    await pause(RECOVERY_MS, AbortSignal.any([ended, back.signal]));
    recovered = back.signal.aborted;
    await pause(steadyMs, ended);
  }
  const failures = writers.flushCodes();
  watching.abort();
  await Promise.all([health, writing]);
  return ended.aborted ? false : judge();

  async function judge(): Promise<boolean> {
    const query = "SELECT VALUE mark FROM notes";
    const [rows = []] = await db.query<string[]>(query, {}, { access: "read", ...ASIDE });
    const there = new Set(rows);
    const lost = [...writers.acknowledged].filter((mark) => !there.has(mark)).length;
    const wrong = [...writers.refused].filter((mark) => there.has(mark)).length;
    const applied = [...writers.unknown].filter((mark) => there.has(mark)).length;
    const twice = rows.length - there.size;
    timeline.act(`${recovered ? "recovered" : "NOT recovered"}; what became of the writes:`);
    timeline.tell("calls", failures === "" ? "none failed" : `failed: ${failures}`);
    timeline.tell("writes", `${writers.acknowledged.size} acknowledged, ${lost} of them lost`);
    timeline.tell("writes", `${writers.unknown.size} of unknown outcome, ${applied} of them are there`);
    timeline.tell("writes", `${writers.refused.size} refused without effect, ${wrong} of them are there all the same`);
    timeline.tell("writes", `${twice} applied twice`);
    return recovered && lost === 0 && wrong === 0 && twice === 0;
  }
}
