import { parseArgs } from "node:util";
import { isDatabaseError } from "@db/core";
import type { Codec } from "./codec.ts";
import { Codecs } from "./codec.ts";
import { type InspectedEntry, inspect, readEntries } from "./inspect.ts";
import { json } from "./json.ts";
import { v8 } from "./v8.ts";
import { WriteQueue } from "./write-queue.ts";

const usage = `Usage: db-queue COMMAND FILE [ARGUMENTS] [OPTIONS]

Looks into the file of a write queue, and does what has to be decided by a person. The commands that only look work
while a service has the queue open; the others need it closed, and say who has it.

Commands that look:
  list FILE                        the entries, oldest first
  show FILE ID                     one entry with its data; ID is an operation id, a record id or a seq
  verify FILE                      checks the file and every entry; exits with 1 if anything is wrong

Commands that change (on a running service use queue.redrive, queue.discard and queue.exportTo):
  redrive FILE ID...               dead letters are tried again when the service next runs
  discard FILE ID... --reason TEXT dead letters are given up for good
  export FILE TARGET               all entries as lines of JSON, for queue.importFrom

Options:
  --dead          list: dead letters only
  --limit N       list: at most so many (default 100)
  --after SEQ     list: only those after this one
  --reason TEXT   discard: why, for whoever asks later
  --json          one line of JSON for each entry, or one object
  --help          this text
`;

/** A mistake in how the command was called. */
class UsageError extends Error {}

type Print = (line: string) => void;

/** Runs a command. Returns the exit code: 0 done, 1 not done or damage found, 2 called wrongly. */
export async function main(args: readonly string[], print: Print, complain: Print): Promise<number> {
  try {
    return await run(args, print);
  } catch (error) {
    if (isDatabaseError(error)) {
      complain(`db-queue: ${error.message} (${error.code})`);
      return 1;
    }
    if (!(error instanceof UsageError) && !isArgumentError(error)) throw error;
    complain(`db-queue: ${error.message}\n\n${usage}`);
    return 2;
  }
}

async function run(args: readonly string[], print: Print): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      dead: { type: "boolean", default: false },
      limit: { type: "string", default: "100" },
      after: { type: "string", default: "0" },
      reason: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    print(usage);
    return 0;
  }
  const [command, file, ...ids] = positionals;
  if (command === undefined) throw new UsageError("expected a command");
  if (file === undefined) throw new UsageError(`expected a file after "${command}"`);
  switch (command) {
    case "list":
      return list(
        file,
        { ...values, limit: natural("limit", values.limit), after: natural("after", values.after) },
        print,
      );
    case "show":
      return show(file, one(ids), await knownCodecs(), print);
    case "verify":
      return verify(file, values.json, print);
    case "redrive":
      return act(file, ids, print, (queue, id) => queue.redrive(id));
    case "discard": {
      const { reason } = values;
      if (reason === undefined) throw new UsageError("expected --reason with discard");
      return act(file, ids, print, (queue, id) => queue.discard(id, reason));
    }
    case "export": {
      await using queue = await openToChange(file);
      print(`${await queue.exportTo(one(ids))} entries written to ${one(ids)}`);
      return 0;
    }
    default:
      throw new UsageError(`expected list, show, verify, redrive, discard or export, got "${command}"`);
  }
}

interface ListOptions {
  readonly dead: boolean;
  readonly limit: number;
  readonly after: number;
  readonly json: boolean;
}

function list(file: string, { dead, limit, after, json: asJson }: ListOptions, print: Print): number {
  let count = 0;
  readEntries(file, (found) => {
    if (count >= limit) return false;
    if (found.seq <= after || (dead && found.note.deadSince === undefined)) return true;
    count += 1;
    print(asJson ? JSON.stringify(factsOf(found)) : lineOf(found));
    return true;
  });
  if (!asJson && count === 0) print(dead ? "no dead letters" : "no entries");
  if (!asJson && count === limit) print(`… at most ${limit} are shown; --limit and --after show more`);
  return 0;
}

function show(file: string, id: string, codecs: Codecs, print: Print): number {
  let count = 0;
  readEntries(file, (found) => {
    const { entry } = found;
    const codec = entry === undefined ? undefined : codecs.get(entry.codec);
    const write = entry === undefined ? undefined : codec?.decode(entry.payload);
    if (String(found.seq) !== id && entry?.operationId !== id && write?.id !== id) return true;
    count += 1;
    const shown =
      write ?? (entry === undefined ? "damaged" : `written with the codec ${entry.codec}, which is not installed`);
    // As the json codec writes it: dates, big integers and bytes stay what they are.
    const text = typeof shown === "string" ? JSON.stringify(shown) : String(json.encode(shown));
    print(`${JSON.stringify(factsOf(found)).slice(0, -1)},"write":${text}}`);
    return true;
  });
  if (count === 0) print(`no entry ${id}`);
  return count === 0 ? 1 : 0;
}

function verify(file: string, asJson: boolean, print: Print): number {
  const found = inspect(file);
  const { holder, entries, bytes, dead, damage } = found;
  if (asJson) print(JSON.stringify(found));
  else {
    print(`${file}: ${entries} entries, ${bytes} bytes, ${dead} dead letters`);
    if (holder !== undefined) print(`in use by the process ${holder.pid} on ${holder.host}, since ${holder.since}`);
    for (const each of damage) print(`damaged: ${each}`);
    if (damage.length === 0) print("sound");
  }
  return damage.length === 0 ? 0 : 1;
}

async function act(
  file: string,
  ids: readonly string[],
  print: Print,
  decide: (queue: WriteQueue, id: string | number) => Promise<number>,
): Promise<number> {
  if (ids.length === 0) throw new UsageError("expected one id or more");
  await using queue = await openToChange(file);
  let missing = 0;
  for (const id of ids) {
    const count = await decide(queue, /^\d+$/.test(id) ? Number(id) : id);
    if (count === 0) missing += 1;
    print(count === 0 ? `${id}: no such dead letter` : `${id}: done (${count})`);
  }
  return missing === 0 ? 0 : 1;
}

async function openToChange(file: string): Promise<WriteQueue> {
  // An open would make a file that is not there.
  inspectable(file);
  return WriteQueue.open({ path: file, codecs: await installedCodecs() });
}

function inspectable(file: string): void {
  readEntries(file, () => false);
}

async function knownCodecs(): Promise<Codecs> {
  return new Codecs([json, ...(await installedCodecs())]);
}

/** Those whose packages are there. */
async function installedCodecs(): Promise<readonly Codec[]> {
  const codecs: Codec[] = [v8];
  const add = async (load: () => Promise<Codec>): Promise<void> => {
    try {
      codecs.push(await load());
    } catch {
      // Its package is not installed: entries that need it are shown as such.
    }
  };
  await add(async () => (await import("./messagepack.ts")).messagepack);
  await add(async () => (await import("./cbor.ts")).cbor);
  return codecs;
}

function factsOf({ seq, size, entry, note }: InspectedEntry): object {
  const { attempts, lastError, deadSince } = note;
  const queuedAt = entry === undefined ? undefined : new Date(entry.queuedAt).toISOString();
  const dead = deadSince === undefined ? undefined : new Date(deadSince).toISOString();
  const state = entry === undefined ? "damaged" : dead === undefined ? "waiting" : "dead";
  return { seq, operationId: entry?.operationId, state, queuedAt, bytes: size, attempts, lastError, deadSince: dead };
}

function lineOf({ seq, size, entry, note }: InspectedEntry): string {
  if (entry === undefined) return `${seq}  damaged, ${size} bytes`;
  const error =
    note.lastError === undefined
      ? ""
      : `  ${note.attempts} attempts, ${note.lastError.code}: ${note.lastError.message}`;
  const state = note.deadSince === undefined ? "waiting" : "dead";
  return `${seq}  ${new Date(entry.queuedAt).toISOString()}  ${entry.operationId}  ${state}  ${size} bytes${error}`;
}

function one(ids: readonly string[]): string {
  const [id] = ids;
  if (id === undefined || ids.length > 1)
    throw new UsageError(`expected one argument after the file, got ${ids.length}`);
  return id;
}

function natural(option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`expected --${option} to be a number, got "${text}"`);
  return Number(text);
}

function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
