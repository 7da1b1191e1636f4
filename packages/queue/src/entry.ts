import { crc32 } from "node:zlib";

/**
 * One stored write, as bytes, little-endian. This format is version 1 and stays readable.
 *
 * | at | what |
 * | --- | --- |
 * | 0 | CRC-32 of all that follows |
 * | 4 | version of the format: 1 |
 * | 5 | id of the codec |
 * | 6 | flags: 1 = may have been applied before it was stored |
 * | 7 | length of the operation id |
 * | 8 | when it was queued, ms since 1970, float64 |
 * | 16 | hash of its lane with the seed of the queue, float64 |
 * | 24 | hash of its operation id, float64 |
 * | 32 | the operation id, ASCII, then the payload |
 */
export const HEAD_BYTES = 32;
const ENTRY_VERSION = 1;
const MAYBE_APPLIED = 1;

/** What stands in the first 32 bytes: enough to hold an entry in the index without reading it. */
export interface EntryHead {
  readonly codec: number;
  readonly maybeApplied: boolean;
  readonly queuedAt: number;
  readonly lane: number;
  readonly operation: number;
}

export interface Entry extends EntryHead {
  readonly operationId: string;
  /** A view of the bytes that were read. */
  readonly payload: Uint8Array;
}

/** The most that an entry takes beside its payload. */
export const OVERHEAD_BYTES: number = HEAD_BYTES + 128;

/**
 * Writes an entry into `target` at `start`; there must be room for the payload and `OVERHEAD_BYTES`, three bytes for each
 * UTF-16 unit of a text. Returns its length.
 */
export function writeEntry(
  target: Buffer,
  start: number,
  head: EntryHead,
  operationId: string,
  payload: Uint8Array | string,
): number {
  target[start + 4] = ENTRY_VERSION;
  target[start + 5] = head.codec;
  target[start + 6] = head.maybeApplied ? MAYBE_APPLIED : 0;
  target[start + 7] = operationId.length;
  target.writeDoubleLE(head.queuedAt, start + 8);
  target.writeDoubleLE(head.lane, start + 16);
  target.writeDoubleLE(head.operation, start + 24);
  let end = start + HEAD_BYTES;
  end += target.write(operationId, end, "latin1");
  if (typeof payload === "string") end += target.write(payload, end, "utf8");
  else {
    target.set(payload, end);
    end += payload.length;
  }
  target.writeUInt32LE(crc32(target.subarray(start + 4, end)), start);
  return end - start;
}

export function readHead(bytes: DataView, start: number): EntryHead {
  return {
    codec: bytes.getUint8(start + 5),
    maybeApplied: (bytes.getUint8(start + 6) & MAYBE_APPLIED) !== 0,
    queuedAt: bytes.getFloat64(start + 8, true),
    lane: bytes.getFloat64(start + 16, true),
    operation: bytes.getFloat64(start + 24, true),
  };
}

/** Undefined where there are no bytes, or not those that were written. */
export function readEntry(bytes: Uint8Array | undefined): Entry | undefined {
  if (bytes === undefined || bytes.length < HEAD_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (crc32(bytes.subarray(4)) !== view.getUint32(0, true)) return undefined;
  if (view.getUint8(4) !== ENTRY_VERSION) return undefined;
  const payloadAt = HEAD_BYTES + view.getUint8(7);
  const operationId = Buffer.from(bytes.buffer, bytes.byteOffset + HEAD_BYTES, payloadAt - HEAD_BYTES).toString(
    "latin1",
  );
  return { ...readHead(view, 0), operationId, payload: bytes.subarray(payloadAt) };
}
