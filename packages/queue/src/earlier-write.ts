import type { Entry } from "./entry.ts";
import type { Journal } from "./journal.ts";
import { NONE } from "./lanes.ts";
import type { StoredWrite } from "./stored-write.ts";
import { workOf } from "./work.ts";

/** What an operation id stands for already. */
export interface EarlierWrite {
  readonly seq: number;
  /** Undefined where it cannot be decoded, which the replay reports. */
  readonly write: StoredWrite | undefined;
}

/** The write that is held under an operation id, once its commit has ended. @throws STORAGE_FAILED */
export async function earlierWrite(journal: Journal, operationId: string): Promise<EarlierWrite | undefined> {
  const { backlog, committer } = journal;
  const operation = journal.hashOf(operationId);
  for (let row = backlog.findOperation(operation); row !== NONE; ) {
    const seq = backlog.seqOf(row);
    const isStoring = backlog.isStoring(row);
    // Where that commit fails, who has sent it first is told; whoever sends it again may try again.
    if (isStoring) await committer.flush().catch(() => {});
    const entry = isStoring ? undefined : await journal.readEntry(row);
    if (entry?.operationId === operationId) return { seq, write: written(journal, entry) };
    row = backlog.findOperation(operation);
    // Two operation ids with one hash are next to impossible, and to take one for the other would lose a write.
    if (!isStoring && row !== NONE && backlog.seqOf(row) === seq) return undefined;
  }
  return undefined;
}

function written({ codecs }: Journal, entry: Entry): StoredWrite | undefined {
  const work = workOf(codecs, entry);
  return typeof work === "string" ? undefined : work.write;
}

/** Whether the fingerprints tell that it is another write than the one that comes under its operation id. */
export function isOther({ write }: EarlierWrite, fingerprint: string | undefined): boolean {
  const known = write?.fingerprint;
  return known !== undefined && fingerprint !== undefined && known !== fingerprint;
}
