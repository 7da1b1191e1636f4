import { createDatabase, isDatabaseError, runCall } from "@db/core";
import { surreal } from "@db/surreal";

/** Runs one scenario in a process of its own and prints its result; the process must then end by itself. */
const [scenario, url = ""] = process.argv.slice(2);
const db = createDatabase({ driver: surreal({ url, namespace: "test", database: "test" }) });

const scenarios: { readonly [name: string]: () => Promise<string> } = {
  async open() {
    return db.connect({ timeoutMs: 3_000 }).then(
      () => "opened",
      (error: unknown) => (isDatabaseError(error) ? error.code : String(error)),
    );
  },
  async write() {
    await db.connect();
    await db.create("rows", {});
    return String(await db.count("rows"));
  },
  late: closeLate,
  async live() {
    await db.connect();
    const read = db.live("rows")[Symbol.asyncIterator]();
    const unread = db.live("rows")[Symbol.asyncIterator]();
    await Promise.all([read.next(), unread.next()]);
    const next = read.next().then(async (event) => (event.done === true ? event : read.next()));
    for (let n = 0; n < 50; n += 1) await db.create("rows", { n });
    await next;
    const last = read.return?.();
    await db.disconnect();
    const ends = await Promise.all([last, unread.next()]);
    return ends.map((end) => (end?.done === true ? "done" : "more")).join(" ");
  },
  async busy() {
    await db.connect();
    let pending = 200;
    const calls = Array.from({ length: pending }, (_, n) =>
      db.create("rows", { n }).finally(() => {
        pending -= 1;
      }),
    );
    await db.disconnect();
    await Promise.allSettled(calls);
    return `closed with ${pending} pending`;
  },
};

/** Closes the driver itself with little time: the façade's own deadline is ten seconds. */
async function closeLate(): Promise<string> {
  const driver = surreal({ url, namespace: "test", database: "test" });
  const late = createDatabase({ driver });
  await late.connect();
  late.query("RETURN sleep(700ms)", {}, { access: "read" }).catch(() => {});
  const closing = runCall({ timeoutMs: 50 }, (context) => driver.disconnect(context));
  return closing.then(
    () => "closed",
    (error: unknown) => (isDatabaseError(error) ? error.code : String(error)),
  );
}

const result = await scenarios[scenario ?? ""]?.();
await db.disconnect();
process.stdout.write(`${result}\n`);
