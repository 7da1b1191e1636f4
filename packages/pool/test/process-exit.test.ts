import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const index = new URL("../src/index.ts", import.meta.url).href;
const folder = fileURLToPath(new URL("..", import.meta.url));

/** Runs a module in a process of its own; it has 15 seconds to end by itself. */
function run(body: string): Promise<{ readonly killed: boolean; readonly out: string }> {
  const source = `
    import { ConnectionPool } from ${JSON.stringify(index)};
    const make = (options = {}) => new ConnectionPool({ create: async () => ({}), destroy: () => {}, ...options });
    const born = performance.now();
    const soon = () => performance.now() - born < 5_000;
    ${body}`;
  const args = ["--input-type=module", "--disable-warning=ExperimentalWarning", "--eval", source];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { timeout: 15_000, cwd: folder }, (error, stdout, stderr) => {
      resolve({ killed: error?.killed === true, out: `${stdout}${stderr}` });
    });
  });
}

describe("t14-process-exit", { timeout: 60_000 }, () => {
  test("a process ends by itself with an idle pool that nobody closed, min and keepalive and all", async () => {
    const { killed, out } = await run(`
      const pool = make({ min: 2, validate: () => true });
      await pool.start();
      await pool.use(() => {});
      process.on("exit", () => console.log("soon", soon()));`);
    expect({ killed, out }).toEqual({ killed: false, out: "soon true\n" });
  });

  test("a process ends by itself though a pool that nobody waits for is in an outage, or a lease was forgotten", async () => {
    const { killed, out } = await run(`
      const away = make({ create: async () => { throw new Error("away"); } });
      await away.acquire({ timeoutMs: 50 }).catch((error) => console.log(error.code));
      await make().acquire();
      process.on("exit", () => console.log("soon", soon()));`);
    expect({ killed, out }).toEqual({ killed: false, out: "ACQUIRE_TIMEOUT\nsoon true\n" });
  });

  test("a process lives on while somebody waits, until the timeout", async () => {
    const { killed, out } = await run(`
      const pool = make({ max: 1 });
      await pool.acquire();
      pool.acquire({ timeoutMs: 300 }).catch((error) => console.log(error.code));`);
    expect({ killed, out }).toEqual({ killed: false, out: "ACQUIRE_TIMEOUT\n" });
  });

  test("a process lives on while somebody waits for the end of an outage, and is served", async () => {
    const { killed, out } = await run(`
      let up = false;
      const pool = make({ create: async () => { if (!up) throw new Error("away"); return {}; } });
      setTimeout(() => { up = true; }, 200).unref();
      pool.use(() => console.log("served"));`);
    expect({ killed, out }).toEqual({ killed: false, out: "served\n" });
  });

  test("a process lives on until close() has come to its deadline", async () => {
    const { killed, out } = await run(`
      const pool = make();
      await pool.acquire({ label: "forgotten" });
      const { leaked } = await pool.close({ deadlineMs: 200 });
      console.log(leaked[0].label);`);
    expect({ killed, out }).toEqual({ killed: false, out: "forgotten\n" });
  });

  test("background errors of every kind end no process", async () => {
    const { killed, out } = await run(`
      const fail = () => Promise.reject(new Error("hook"));
      const hooks = { validate: fail, reset: fail, destroy: fail, validateAfterIdleMs: 0, classify: () => { throw new Error("classify"); } };
      const pool = make({ ...hooks, create: async ({ lost }) => { setTimeout(() => lost(new Error("died")), 5); return {}; } });
      pool.onStateChange(() => { throw new Error("listener"); });
      await pool.use(() => {});
      const lease = await pool.acquire();
      setTimeout(() => { lease.release(); console.log("alive"); }, 50);`);
    expect({ killed, out }).toEqual({ killed: false, out: "alive\n" });
  });
});
