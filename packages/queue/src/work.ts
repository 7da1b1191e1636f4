import type { OperationOf, WriteKind } from "@db/core";
import type { Codecs } from "./codec.ts";
import type { Entry } from "./entry.ts";
import { type StoredWrite, toOperation } from "./stored-write.ts";

/** What an entry asks for. */
export interface Work {
  readonly entry: Entry;
  readonly write: StoredWrite;
  readonly operation: OperationOf<WriteKind>;
}

/** What is to be done, or what is wrong with the entry. */
export function workOf(codecs: Codecs, entry: Entry | undefined): Work | string {
  if (entry === undefined) return "its bytes are not what was written";
  try {
    const write = codecs.decode(entry);
    return { entry, write, operation: toOperation(write) };
  } catch (error) {
    return `it cannot be decoded (${error instanceof Error ? error.name : typeof error})`;
  }
}
