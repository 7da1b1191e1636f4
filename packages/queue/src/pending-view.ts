import { type OperationOf, type Row, rowAfter, type WriteKind } from "@db/core";
import { readEntry } from "./entry.ts";
import type { Journal } from "./journal.ts";
import { NONE } from "./lanes.ts";
import { toOperation } from "./stored-write.ts";

/** Writes of one record that are looked at in one go. */
const MAX_WRITES = 10_000;
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
  const rows = [...journal.backlog.activeRows(lane)]
    .filter((row) => !journal.backlog.isStoring(row))
    .slice(0, MAX_WRITES);
  const writes: OperationOf<WriteKind>[] = [];
  for (const bytes of await journal.read(rows)) {
    const entry = bytes === undefined ? undefined : readEntry(bytes);
    if (entry === undefined) break;
    writes.push(toOperation(journal.decode(entry)));
  }
  return writes;
}
