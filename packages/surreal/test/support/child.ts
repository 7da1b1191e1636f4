import { createDatabase, isDatabaseError, runCall } from "@db/core";
import { surreal } from "@db/surreal";

/** Runs one scenario in a process of its own and prints its result; the process must then end by itself. */
const [scenario, url = ""] = process.argv.slice(2);
const db = createDatabase({ driver: surreal({ url, namespace: "test", database: "test" }) });

const scenarios: { readonly [name: string]: () => Promise<string> } = {
  async open() {
    return db.connect({ timeoutMs: 500 }).then(
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
