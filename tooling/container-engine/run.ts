// A container engine for the tests that need one: `npm run containers -- up`.
import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Interruption } from "../packaging/interruption.ts";
import { EngineHome } from "./engine-home.ts";
import { mountsOf, processesOf, removeLeftovers } from "./leftovers.ts";
import { prove } from "./prove.ts";
import { isAnswering, servicePid, startService, stopService } from "./service.ts";
import { SurrealImage } from "./surreal-image.ts";
import { checkMachine, EngineError, execute, installPackages, missingPackages } from "./system.ts";

const defaultHome = "/var/tmp/db-container-engine";
const usage = `Usage: npm run containers -- COMMAND [--home FOLDER]

A Docker-compatible engine (podman with runc) on a bare Debian machine, as root, and an image of the SurrealDB
test server that is made here, without any image registry.

Commands:
  up       install what is missing, start the engine, build the image; prints the environment to export:
           eval "$(npm run --silent containers -- up)"
  status   whether it runs, with its containers; exits with 1 if it does not
  down     end every container, the engine and all that it left in memory, mounts and network; remove FOLDER.
           The packages of the system stay.
  prove    up, the container suite and down, with what each took and what is left behind; exits with 1 where the
           suite is not green, anything is left, or it was not green within a minute

Options:
  --home FOLDER   where the engine keeps everything, and nothing else is (default ${defaultHome})
  --purge         with prove: takes the packages from the system before, and all that nothing else needs, so that
                  it begins with a bare machine; for one that can be thrown away
  --help          show this text
`;

const interruption = new Interruption();

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      home: { type: "string", default: defaultHome },
      purge: { type: "boolean", default: false },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) console.log(usage);
  else process.exitCode = await main(positionals, values.home, values.purge);
} catch (error) {
  if (interruption.by !== undefined) {
    say(`interrupted by ${interruption.by}`);
    process.exitCode = interruption.exitCode;
  } else {
    if (!(error instanceof EngineError) && !isBadArgument(error)) throw error;
    say(error.message);
    if (isBadArgument(error)) console.error(`\n${usage}`);
    process.exitCode = isBadArgument(error) ? 2 : 1;
  }
}

async function main([command, ...rest]: readonly string[], folder: string, purge: boolean): Promise<number> {
  if (!folder.startsWith("/") || /[\s"]/.test(folder)) {
    throw new EngineError(`expected --home to be an absolute path without spaces or quotes, got ${folder}`);
  }
  if (purge && command !== "prove") throw new EngineError("expected --purge with prove alone");
  const home = new EngineHome(folder.replace(/\/+$/, ""));
  if (rest.length === 0 && command === "up") return up(home);
  if (rest.length === 0 && command === "status") return status(home);
  if (rest.length === 0 && command === "down") return down(home);
  if (rest.length === 0 && command === "prove") {
    checkMachine();
    return prove(home, { purge, say });
  }
  console.error(
    `containers: expected up, status, down or prove, got ${[command, ...rest].join(" ") || "none"}\n\n${usage}`,
  );
  return 2;
}

async function up(home: EngineHome): Promise<number> {
  const startedAt = performance.now();
  checkMachine();
  home.refuseOthersFiles();
  const isNew = !existsSync(home.folder);
  let image: string;
  try {
    image = await bringUp(home);
  } catch (error) {
    if (isNew) await down(home);
    throw error;
  }
  say(`ready after ${((performance.now() - startedAt) / 1_000).toFixed(1)} s; \`npm run containers -- down\` ends it`);
  console.log(
    [
      `export DOCKER_HOST=unix://${home.socket}`,
      // Its image is in a registry alone; what it would sweep, \`down\` does.
      "export TESTCONTAINERS_RYUK_DISABLED=true",
      "export TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1",
      `export SURREAL_IMAGE=${image}`,
    ].join("\n"),
  );
  return 0;
}

/** @returns the name of the image */
async function bringUp(home: EngineHome): Promise<string> {
  using image = new SurrealImage(home);
  const missing = missingPackages();
  if (missing.length > 0) {
    say(`installing ${missing.join(", ")}; meanwhile packing and installing the test server`);
    // One waits for the network and the disk, the other needs a core. Both end before anything is given up.
    const outcomes = await Promise.allSettled([installPackages(missing), image.prepare()]);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  }
  interruption.throwIfAny();
  home.configure();
  const how = await startService(home);
  say(how === "running" ? "the engine is running already" : `the engine runs, process ${servicePid(home)}`);
  if (image.exists()) return image.name;
  if (missing.length === 0) say("packing and installing the test server");
  await image.prepare();
  interruption.throwIfAny();
  say(`making the image ${image.name}`);
  await image.make();
  interruption.throwIfAny();
  return image.name;
}

async function status(home: EngineHome): Promise<number> {
  if (!(await isAnswering(home))) {
    console.log(`No engine answers on ${home.socket}.`);
    return 1;
  }
  console.log(`The engine runs, process ${servicePid(home)}, socket ${home.socket}.`);
  console.log(execute("podman", ["ps", "--all"], home.env).trim());
  return 0;
}

async function down(home: EngineHome): Promise<number> {
  checkMachine();
  if (!existsSync(home.folder)) {
    say(`nothing to end: there is no ${home.folder}`);
    return 0;
  }
  home.refuseOthersFiles();
  if (existsSync(home.pidFile)) execute("podman", ["rm", "--all", "--force", "--time=0"], home.env);
  await stopService(home);
  removeLeftovers(home);
  for (let tries = 0; processesOf(home).length > 0 && tries < 50; tries += 1) await setTimeout(50);
  const [processes, mounts] = [processesOf(home), mountsOf(home)];
  if (processes.length + mounts.length > 0) {
    throw new EngineError(`expected nothing to be left, got processes [${processes}] and mounts [${mounts}]`);
  }
  home.remove();
  say("the engine has ended; nothing of it is left but the system's packages");
  return 0;
}

function say(text: string): void {
  console.error(`containers: ${text}`);
}

function isBadArgument(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
