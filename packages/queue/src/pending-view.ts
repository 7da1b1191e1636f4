import { type OperationOf, type Row, rowAfter, type WriteKind } from "@db/core";
import { readEntry } from "./entry.ts";
import type { Journal } from "./journal.ts";
import { NONE } from "./lanes.ts";
import { workOf } from "./work.ts";

/** Writes of one record that are read in one go. */
const READ_AT_ONCE = 1_000;
const TRIES = 3;

/**
 * The record as it will be once its waiting writes are applied. A write that will be refused ends the view, as it will end
 * its lane.
 * @param read what the database has now; not asked where the first waiting write is a create
 */
export async function pendingView(
  journal: Journal,
  laneHash: number,
  read: () => Promise<Row | undefined>,
): Promise<Row | undefined> {
  for (let tries = 1; ; tries += 1) {
    const lane = journal.backlog.findLane(laneHash);
    const cursor = lane === NONE || journal.backlog.isDead(lane) ? NONE : journal.backlog.cursorOf(lane);
    if (cursor === NONE) return read();
    const seq = journal.backlog.seqOf(cursor);
    const writes = await waitingWrites(journal, lane);
    let row = writes[0]?.kind === "create" ? undefined : await read();
    // While the database answered the replay may have gone on.
    const same = journal.backlog.findLane(laneHash) === lane && journal.backlog.cursorOf(lane) === cursor;
    if ((!same || journal.backlog.seqOf(cursor) !== seq) && tries < TRIES) continue;
    for (const write of writes) {
      try {
        row = rowAfter(write, row);
      } catch {
        return row;
      }
    }
    return row;
  }
}

async function waitingWrites(journal: Journal, lane: number): Promise<readonly OperationOf<WriteKind>[]> {
  const { backlog } = journal;
  const seqs: number[] = [];
  for (const row of backlog.activeRows(lane)) {
    // It is a dead letter when its turn comes.
    if (journal.noteOf(row).deadSince !== undefined) break;
    if (!backlog.isStoring(row)) seqs.push(backlog.seqOf(row));
  }
  const writes: OperationOf<WriteKind>[] = [];
  for (let at = 0; at < seqs.length; at += READ_AT_ONCE) {
    for (const bytes of await journal.store.read(seqs.slice(at, at + READ_AT_ONCE))) {
      const work = workOf(journal.codecs, readEntry(bytes));
      if (typeof work === "string") return writes;
      writes.push(work.operation);
    }
  }
  return writes;
}
