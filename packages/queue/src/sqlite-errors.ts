import { type DatabaseError, DatabaseErrorOf } from "@db/core";
import type { SqliteFault } from "./sqlite-fault.ts";

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
/** Extended: a sync failed, so that what was written may or may not be there after a power cut. */
const SYNC_FAILED: ReadonlySet<number> = new Set([IOERR | (4 << 8), IOERR | (5 << 8)]);

/** @param phase in a commit it matters what became of the data */
export function fromFault(
  { code, errno, message }: SqliteFault,
  path: string,
  phase: "open" | "commit" | "read",
): DatabaseError {
  const cause = new Error(message);
  const primary = code & 0xff;
  if (primary === CORRUPT || primary === NOTADB) return damaged(path, [message], cause);
  if (phase === "commit") {
    if (primary === FULL || errno === "ENOSPC" || errno === "EDQUOT")
      return new DatabaseErrorOf("QUEUE_FULL", `the disk of ${path} is full: nothing was stored`, {}, { cause });
    if (SYNC_FAILED.has(code)) {
      const text = `${path} could not be synced: what was to be stored may or may not survive a power cut`;
      return new DatabaseErrorOf("DURABILITY_UNKNOWN", text, { operationId: "" }, { effect: "unknown", cause });
    }
  }
  const why =
    primary === READONLY || errno === "EROFS" ? "is read-only" : (WHY[errno ?? ""] ?? reasonOf(primary, phase));
  return new DatabaseErrorOf("STORAGE_FAILED", `${path} ${why}`, { path }, { cause });
}

export function damaged(path: string, found: readonly string[], cause?: unknown): DatabaseErrorOf<"STORAGE_DAMAGED"> {
  const message = `${path} is damaged (${found.join("; ")}). Nothing was changed; onCorruption: "quarantine" moves it aside`;
  return new DatabaseErrorOf("STORAGE_DAMAGED", message, { path, found }, { cause });
}

/** For a file of another program, or of a later version. */
export function foreign(path: string, found: readonly string[]): DatabaseErrorOf<"STORAGE_DAMAGED"> {
  const message = `${path} cannot be used (${found.join("; ")}). Nothing was changed`;
  return new DatabaseErrorOf("STORAGE_DAMAGED", message, { path, found });
}

const WHY: { readonly [errno: string]: string } = {
  EACCES: "may not be accessed by this process",
  EPERM: "may not be accessed by this process",
  ENOTDIR: "is not inside of a folder",
  EISDIR: "is a folder",
};

function reasonOf(primary: number, phase: "open" | "commit" | "read"): string {
  if (primary === CANTOPEN) return "cannot be opened";
  return phase === "read"
    ? "could not be read"
    : phase === "open"
      ? "cannot be used"
      : "could not be written: nothing was stored";
}
