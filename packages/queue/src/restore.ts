import type { Backlog } from "./backlog.ts";
import { type Codecs, missingCodec } from "./codec.ts";
import { type Entry, HEAD_BYTES, readHead } from "./entry.ts";
import type { HeadChunk } from "./store.ts";

/** Of the rows whose codec is not there so many are counted. */
const MAX_MISSING = 1_000;

/**
 * Takes what a store held into the index. Returns the number of the next entry, going by those that are there.
 * @throws TypeError for entries of a codec that is not there
 */
export async function restore(
  chunks: AsyncIterable<HeadChunk>,
  backlog: Backlog,
  codecs: Codecs,
  readEntry: (row: number) => Promise<Entry | undefined>,
): Promise<number> {
  const missing = new Map<number, number[]>();
  let nextSeq = 0;
  for await (const { seqs, sizes, heads } of chunks) {
    const view = new DataView(heads.buffer, heads.byteOffset, heads.byteLength);
    for (let index = 0; index < seqs.length; index += 1) {
      const seq = seqs[index] as number;
      const head = readHead(view, index * HEAD_BYTES);
      const row = backlog.add(seq, sizes[index] as number, head, true);
      nextSeq = seq + 1;
      if (codecs.get(head.codec) !== undefined) continue;
      const rows = missing.get(head.codec) ?? [];
      if (rows.length < MAX_MISSING) rows.push(row);
      missing.set(head.codec, rows);
    }
  }
  for (const [codec, rows] of missing) {
    // A damaged entry may name any codec; it is found again when it is read.
    for (const row of rows) if ((await readEntry(row))?.codec === codec) throw missingCodec(codec, rows.length);
  }
  return nextSeq;
}
