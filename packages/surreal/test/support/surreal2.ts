import { fork } from "node:child_process";
import { once } from "node:events";

/** A server of SurrealDB 2 in a process of its own. */
export interface Surreal2 extends AsyncDisposable {
  readonly url: string;
  readonly httpUrl: string;
}

/** Starts one, in memory, whose user's sessions end after a duration. It ends with this process at the latest. */
export async function startSurreal2({ sessionTtl = "NONE" } = {}): Promise<Surreal2> {
  const child = fork(new URL("./surreal2-child.ts", import.meta.url), ["mem://", sessionTtl], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    env: { ...process.env, NODE_OPTIONS: "" },
  });
  const gone = once(child, "exit");
  const ended = gone.then(([code, signal]) => {
    throw new Error(`the server of SurrealDB 2 is gone (${signal ?? code})`);
  });
  ended.catch(() => {});
  const [{ port }] = (await Promise.race([once(child, "message"), ended])) as [{ readonly port: number }];
  return {
    url: `ws://127.0.0.1:${port}/rpc`,
    httpUrl: `http://127.0.0.1:${port}/rpc`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
