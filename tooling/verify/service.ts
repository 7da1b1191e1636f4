import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Ground } from "./check.ts";

const MAIN = fileURLToPath(new URL("../../apps/notes/src/main.ts", import.meta.url));
const FIRST = new URL("end-with-parent.ts", import.meta.url).href;
const READY_MS = 30_000;
const STOP_MS = 15_000;

/** The notes service in a process of its own, on a port of its own, with nothing of the environment but what is given. */
export interface NotesService extends AsyncDisposable {
  readonly url: string;
}

/** Resolves when it serves; it ends with the check. @throws Error with what it printed, where it does not start */
export async function startNotes(ground: Ground, env: Readonly<Record<string, string>> = {}): Promise<NotesService> {
  const DATA_DIR = join(await ground.folder(), "data");
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "--import", FIRST, MAIN], {
    env: { PATH: process.env.PATH, PORT: "0", DATA_DIR, LOG_LEVEL: "silent", DRAIN_DELAY: "0", ...env },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  ground.defer(() => stop(child));
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-2_000);
  });
  const url = await addressOf(child, ground.signal);
  if (url === undefined) throw new Error(`expected the notes service to start, got this from it:\n${errors}`);
  child.stdout?.resume();
  return { url, [Symbol.asyncDispose]: () => stop(child) };
}

async function addressOf(child: ChildProcess, signal: AbortSignal): Promise<string | undefined> {
  if (child.stdout === null) return undefined;
  const until = AbortSignal.any([signal, AbortSignal.timeout(READY_MS)]);
  const lines = createInterface({ input: child.stdout, signal: until });
  for await (const line of lines) {
    const url = /ready on (\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  return undefined;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await gone;
  clearTimeout(timer);
}
