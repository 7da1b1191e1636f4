import { parseArgs } from "node:util";
import { isDatabaseError } from "@db/core";
import type { Codec } from "./codec.ts";
import { Codecs } from "./codec.ts";
import type { Entry } from "./entry.ts";
import { type InspectedEntry, inspect, readEntries } from "./inspect.ts";
import { json } from "./json.ts";
import type { StoredWrite } from "./stored-write.ts";
import { v8 } from "./v8.ts";
import { workOf } from "./work.ts";
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
  --json          one line of JSON for each entry or id, or one object
  --help          this text
`;

/** A mistake in how the command was called. */
class UsageError extends Error {}

/** What cannot be done with this file. */
class Refusal extends Error {}

type Print = (line: string) => void;

/**
 * Runs a command. Returns the exit code: 0 done, 1 not done or damage found, 2 called wrongly, 130 interrupted.
 * @param progress of long work; the last one is empty
 */
export async function main(
  args: readonly string[],
  print: Print,
  complain: Print,
  progress: Print = () => {},
): Promise<number> {
  try {
    return await run(args, print, complain, progress);
  } catch (error) {
    progress("");
    if (isDatabaseError(error) && error.code === "CANCELLED") return 130;
    if (isDatabaseError(error)) {
      complain(`db-queue: ${error.message} (${error.code})`);
      return 1;
    }
    if (error instanceof Refusal) {
      complain(`db-queue: ${error.message}`);
      return 1;
    }
    if (!(error instanceof UsageError) && !isArgumentError(error)) throw error;
    complain(`db-queue: ${error.message}\n\n${usage}`);
    return 2;
  }
}

async function run(args: readonly string[], print: Print, complain: Print, progress: Print): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      dead: { type: "boolean" },
      limit: { type: "string" },
      after: { type: "string" },
      reason: { type: "string" },
      json: { type: "boolean" },
      help: { type: "boolean" },
    },
  });
  if (values.help === true) {
    print(usage);
    return 0;
  }
  const [command, file, ...ids] = positionals;
  if (command === undefined) throw new UsageError("expected a command");
  if (file === undefined) throw new UsageError(`expected a file after "${command}"`);
  const known = OPTIONS[command];
  if (known === undefined)
    throw new UsageError(`expected list, show, verify, redrive, discard or export, got "${command}"`);
  const strange = Object.keys(values).find((name) => name !== "json" && !known.includes(name));
  if (strange !== undefined) throw new UsageError(`${command} has no option --${strange}`);
  const { dead = false, limit = "100", after = "0", json: asJson = false } = values;
  switch (command) {
    case "list":
      none(ids);
      return list(
        file,
        { dead, limit: natural("limit", limit, 1), after: natural("after", after, 0), json: asJson },
        print,
      );
    case "show":
      return show(file, one(ids), await knownCodecs(), print, asJson ? complain : print);
    case "verify":
      none(ids);
      return verify(file, asJson, print, progress);
    case "redrive":
      return act(file, ids, asJson, print, (queue, id) => queue.redrive(id));
    case "discard": {
      const { reason } = values;
      if (reason === undefined) throw new UsageError("expected --reason with discard");
      return act(file, ids, asJson, print, (queue, id) => queue.discard(id, reason));
    }
    default:
      return exportAll(file, one(ids), asJson, print, progress);
  }
}

/** By command, beside --json. */
const OPTIONS: { readonly [command: string]: readonly string[] | undefined } = {
  __proto__: null as never,
  list: ["dead", "limit", "after"],
  show: [],
  verify: [],
  redrive: [],
  discard: ["reason"],
  export: [],
};

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

function show(file: string, id: string, codecs: Codecs, print: Print, tell: Print): number {
  let count = 0;
  readEntries(file, (found) => {
    const { entry } = found;
    const shown = contentsOf(entry, codecs);
    const recordId = typeof shown === "string" ? undefined : shown.id;
    if (String(found.seq) !== id && entry?.operationId !== id && recordId !== id) return true;
    count += 1;
    // As the json codec writes it: dates, big integers and bytes stay what they are.
    const text = typeof shown === "string" ? JSON.stringify(shown) : String(json.encode(shown));
    print(`${JSON.stringify(factsOf(found)).slice(0, -1)},"write":${text}}`);
    return true;
  });
  if (count === 0) tell(`no entry ${id}`);
  return count === 0 ? 1 : 0;
}

/** The write, or why there is none to show. */
function contentsOf(entry: Entry | undefined, codecs: Codecs): StoredWrite | string {
  if (entry === undefined) return "damaged";
  if (codecs.get(entry.codec) === undefined) return `written with the codec ${entry.codec}, which is not installed`;
  const work = workOf(codecs, entry);
  return typeof work === "string" ? work : work.write;
}

function verify(file: string, asJson: boolean, print: Print, progress: Print): number {
  const found = inspect(file, (entries) => progress(`${entries} entries looked at …`));
  progress("");
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
  asJson: boolean,
  print: Print,
  decide: (queue: WriteQueue, id: string | number) => Promise<number>,
): Promise<number> {
  if (ids.length === 0) throw new UsageError("expected one id or more");
  await using queue = await openToChange(file);
  const digits = ids.filter((id) => /^\d+$/.test(id));
  const seqs = digits.length === 0 ? new Set<string>() : await seqsAmong(queue, digits);
  let missing = 0;
  for (const id of ids) {
    const count = await decide(queue, seqs.has(id) ? Number(id) : id);
    if (count === 0) missing += 1;
    if (asJson) print(JSON.stringify({ id, count }));
    else print(count === 0 ? `${id}: no such dead letter` : `${id}: done (${count})`);
  }
  return missing === 0 ? 0 : 1;
}

/**
 * Those that are the seq of a dead letter, and not its operation id, which may be made of digits as well.
 * @throws UsageError for one that is both
 */
async function seqsAmong(queue: WriteQueue, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const seqs = new Set<string>();
  const operations = new Set<string>();
  let page = await queue.deadLetters();
  while (page.length > 0) {
    for (const { seq, operationId } of page) {
      for (const id of ids) {
        if (operationId === id) operations.add(id);
        else if (String(seq) === id) seqs.add(id);
      }
    }
    page = await queue.deadLetters({ afterSeq: page.at(-1)?.seq ?? 0 });
  }
  for (const id of seqs)
    if (operations.has(id))
      throw new UsageError(`"${id}" is the operation id of one dead letter and the seq of another: name its record`);
  return seqs;
}

async function exportAll(
  file: string,
  target: string,
  asJson: boolean,
  print: Print,
  progress: Print,
): Promise<number> {
  const interrupt = new AbortController();
  // What was begun is taken away again, and the queue closed.
  const stop = (): void => interrupt.abort();
  process.once("SIGINT", stop);
  try {
    await using queue = await openToChange(file);
    const { pending } = queue.stats();
    const onProgress = (entries: number): void => progress(`${entries} of ${pending} entries written …`);
    const entries = await queue.exportTo(target, json, { signal: interrupt.signal, onProgress });
    progress("");
    print(asJson ? JSON.stringify({ entries, target }) : `${entries} entries written to ${target}`);
    return 0;
  } finally {
    process.removeListener("SIGINT", stop);
  }
}

async function openToChange(file: string): Promise<WriteQueue> {
  // An open would make a file that is not there.
  inspectable(file);
  const codecs = await installedCodecs();
  try {
    return await WriteQueue.open({ path: file, codecs });
  } catch (error) {
    // The codec of an entry is not there.
    throw error instanceof TypeError ? new Refusal(error.message) : error;
  }
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

function none(ids: readonly string[]): void {
  if (ids.length > 0) throw new UsageError(`expected nothing after the file, got ${ids.length}`);
}

function natural(option: string, text: string, min: number): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`expected --${option} to be a number, got "${text}"`);
  if (Number(text) < min) throw new UsageError(`expected --${option} to be at least ${min}, got "${text}"`);
  return Number(text);
}

function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
}
