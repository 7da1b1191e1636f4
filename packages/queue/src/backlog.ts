import { Columns, grown, grownBytes, grownInts } from "./columns.ts";
import type { EntryHead } from "./entry.ts";
import { HashIndex } from "./hash-index.ts";
import { Lanes, NONE } from "./lanes.ts";
import { Line } from "./line.ts";

/** An entry on its way: not durable yet, stored, applied with its end not durable yet. */
const STORING = 1;
const DONE = 2;
/** A lane's: its next entry is a dead letter; is being applied; it stands in the line; it waits before another try. */
const DEAD = 1;
const BUSY = 2;
const QUEUED = 4;
const HELD = 8;

/**
 * The index of all entries, in memory: which wait, in which order, and which lane may go next. About 80 bytes an entry.
 * Entries and lanes are row numbers, -1 is none. The entries of a lane are in the order of their `seq`; those before the cursor
 * are applied, and stay until that is durable.
 */
export class Backlog extends Columns {
  readonly #lanes = new Lanes();
  readonly #byOperation = new HashIndex((entry) => this.#operation[entry] as number);
  /** Lanes whose next entry may be applied, in turn. */
  readonly #line = new Line();
  #seq: Float64Array = new Float64Array(0);
  #queuedAt: Float64Array = new Float64Array(0);
  #operation: Float64Array = new Float64Array(0);
  #size: Int32Array = new Int32Array(0);
  #lane: Int32Array = new Int32Array(0);
  #nextInLane: Int32Array = new Int32Array(0);
  #older: Int32Array = new Int32Array(0);
  #newer: Int32Array = new Int32Array(0);
  #flags: Uint8Array = new Uint8Array(0);
  #oldest = NONE;
  #newest = NONE;
  #count = 0;
  #bytes = 0;
  #active = 0;
  readonly #deadLanes = new Set<number>();

  get count(): number {
    return this.#count;
  }
  get bytes(): number {
    return this.#bytes;
  }
  get laneCount(): number {
    return this.#lanes.size;
  }
  get deadCount(): number {
    return this.#deadLanes.size;
  }
  /** Entries that are not applied yet. */
  get activeCount(): number {
    return this.#active;
  }
  /** Entries that stand behind a dead letter. */
  get parkedCount(): number {
    let parked = 0;
    for (const lane of this.#deadLanes) parked += (this.#lanes.active[lane] as number) - 1;
    return parked;
  }
  /** Entries that are to be applied, those of dead lanes not counted. */
  get liveCount(): number {
    return this.#active - this.parkedCount - this.deadCount;
  }
  get oldestQueuedAt(): number | undefined {
    return this.#oldest === NONE ? undefined : this.#queuedAt[this.#oldest];
  }

  // Entries.

  /** @param stored false while its commit is under way: it holds its place, and is not applied yet */
  add(seq: number, size: number, entry: EntryHead, stored: boolean): number {
    const row = this.take();
    const lanes = this.#lanes;
    const lane = lanes.findOrAdd(entry.lane);
    this.#seq[row] = seq;
    this.#queuedAt[row] = entry.queuedAt;
    this.#operation[row] = entry.operation;
    this.#size[row] = size;
    this.#lane[row] = lane;
    this.#nextInLane[row] = NONE;
    this.#flags[row] = stored ? 0 : STORING;
    this.#older[row] = this.#newest;
    this.#newer[row] = NONE;
    if (this.#newest === NONE) this.#oldest = row;
    else this.#newer[this.#newest] = row;
    this.#newest = row;
    const tail = lanes.tail[lane] as number;
    if (tail === NONE) lanes.head[lane] = row;
    else this.#nextInLane[tail] = row;
    lanes.tail[lane] = row;
    if (lanes.cursor[lane] === NONE) lanes.cursor[lane] = row;
    lanes.active[lane] = (lanes.active[lane] as number) + 1;
    this.#byOperation.add(row);
    this.#count += 1;
    this.#bytes += size;
    this.#active += 1;
    this.#offer(lane);
    return row;
  }

  /** Its commit is done. */
  stored(row: number): void {
    this.#flags[row] = (this.#flags[row] as number) & ~STORING;
    this.#offer(this.#lane[row] as number);
  }

  /** It was not stored after all. */
  drop(row: number): void {
    this.#leaveCursor(row);
    this.remove(row);
  }

  /** The lane's next entry needs no more applying; it goes when that is durable. */
  done(row: number): void {
    this.#flags[row] = (this.#flags[row] as number) | DONE;
    this.#leaveCursor(row);
  }

  remove(row: number): void {
    const lane = this.#lane[row] as number;
    this.#unlink(row, lane);
    this.#byOperation.remove(row);
    this.#count -= 1;
    this.#bytes -= this.#size[row] as number;
    this.give(row);
    if (this.#lanes.head[lane] === NONE) this.#forget(lane);
  }

  seqOf(row: number): number {
    return this.#seq[row] as number;
  }
  queuedAt(row: number): number {
    return this.#queuedAt[row] as number;
  }
  operationOf(row: number): number {
    return this.#operation[row] as number;
  }
  sizeOf(row: number): number {
    return this.#size[row] as number;
  }
  laneOf(row: number): number {
    return this.#lane[row] as number;
  }
  isStoring(row: number): boolean {
    return ((this.#flags[row] as number) & STORING) !== 0;
  }
  isDone(row: number): boolean {
    return ((this.#flags[row] as number) & DONE) !== 0;
  }

  /** An entry of this hash of an operation id, or none. */
  findOperation(operation: number): number {
    return this.#byOperation.find(operation);
  }

  /** Entries in the order in which they came. */
  *rows(): Generator<number> {
    for (let row = this.#oldest; row !== NONE; row = this.#newer[row] as number) yield row;
  }

  // Lanes.

  findLane(hash: number): number {
    return this.#lanes.find(hash);
  }
  laneHash(lane: number): number {
    return this.#lanes.hashOf(lane);
  }
  cursorOf(lane: number): number {
    return this.#lanes.cursor[lane] as number;
  }
  activeOf(lane: number): number {
    return this.#lanes.active[lane] as number;
  }
  isDead(lane: number): boolean {
    return ((this.#lanes.state[lane] as number) & DEAD) !== 0;
  }
  deadLanes(): ReadonlySet<number> {
    return this.#deadLanes;
  }

  /** The entries of a lane that are to be applied, the next one first. */
  *activeRows(lane: number): Generator<number> {
    for (let row = this.cursorOf(lane); row !== NONE; row = this.#nextInLane[row] as number) yield row;
  }

  /** The next lane in turn, which then is busy until `release`; none where no lane may go. */
  takeLane(): number {
    for (let lane = this.#line.shift(); lane !== undefined; lane = this.#line.shift()) {
      const state = this.#lanes.state[lane] as number;
      if ((state & QUEUED) === 0) continue;
      this.#lanes.state[lane] = state & ~QUEUED;
      if (!this.#mayGo(lane)) continue;
      this.#lanes.state[lane] = (this.#lanes.state[lane] as number) | BUSY;
      return lane;
    }
    return NONE;
  }

  /** The lane is not busy any more, and goes to the end of the line if it has more. */
  release(lane: number): void {
    this.#lanes.state[lane] = (this.#lanes.state[lane] as number) & ~BUSY;
    if (this.#lanes.head[lane] === NONE) this.#forget(lane);
    else this.#offer(lane);
  }

  /** Nothing of the lane is applied until `unhold`. */
  hold(lane: number): void {
    this.#lanes.state[lane] = (this.#lanes.state[lane] as number) | HELD;
  }

  unhold(lane: number): void {
    this.#lanes.state[lane] = (this.#lanes.state[lane] as number) & ~HELD;
    this.#offer(lane);
  }

  park(lane: number): void {
    this.#lanes.state[lane] = (this.#lanes.state[lane] as number) | DEAD;
    this.#deadLanes.add(lane);
  }

  unpark(lane: number): void {
    this.#lanes.state[lane] = (this.#lanes.state[lane] as number) & ~DEAD;
    this.#deadLanes.delete(lane);
    this.#offer(lane);
  }

  #mayGo(lane: number): boolean {
    const cursor = this.#lanes.cursor[lane] as number;
    if (cursor === NONE || ((this.#lanes.state[lane] as number) & (DEAD | BUSY | HELD)) !== 0) return false;
    return ((this.#flags[cursor] as number) & STORING) === 0;
  }

  #offer(lane: number): void {
    const state = this.#lanes.state[lane] as number;
    if ((state & QUEUED) !== 0 || !this.#mayGo(lane)) return;
    this.#lanes.state[lane] = state | QUEUED;
    this.#line.push(lane);
  }

  #leaveCursor(row: number): void {
    const lanes = this.#lanes;
    const lane = this.#lane[row] as number;
    lanes.active[lane] = (lanes.active[lane] as number) - 1;
    this.#active -= 1;
    if (lanes.cursor[lane] === row) lanes.cursor[lane] = this.#nextInLane[row] as number;
  }

  /** A lane that is being applied keeps its number until it is released. */
  #forget(lane: number): void {
    if (((this.#lanes.state[lane] as number) & BUSY) !== 0) return;
    this.#deadLanes.delete(lane);
    this.#lanes.remove(lane);
  }

  #unlink(row: number, lane: number): void {
    const lanes = this.#lanes;
    const next = this.#nextInLane[row] as number;
    if (lanes.head[lane] === row) {
      lanes.head[lane] = next;
      if (next === NONE) lanes.tail[lane] = NONE;
    } else {
      // Rare: one that was not stored leaves from behind those that were.
      let before = lanes.head[lane] as number;
      while (this.#nextInLane[before] !== row) before = this.#nextInLane[before] as number;
      this.#nextInLane[before] = next;
      if (next === NONE) lanes.tail[lane] = before;
    }
    const [older, newer] = [this.#older[row] as number, this.#newer[row] as number];
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
  }

  protected override resize(capacity: number): void {
    this.#seq = grown(this.#seq, capacity);
    this.#queuedAt = grown(this.#queuedAt, capacity);
    this.#operation = grown(this.#operation, capacity);
    this.#size = grownInts(this.#size, capacity);
    this.#lane = grownInts(this.#lane, capacity);
    this.#nextInLane = grownInts(this.#nextInLane, capacity);
    this.#older = grownInts(this.#older, capacity);
    this.#newer = grownInts(this.#newer, capacity);
    this.#flags = grownBytes(this.#flags, capacity);
  }
}
