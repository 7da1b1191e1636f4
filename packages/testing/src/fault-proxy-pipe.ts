import type { Socket } from "node:net";

/** How one direction of a connection passes bytes on. */
export interface Shape {
  /** Nothing gets through, not even the end of the connection. */
  readonly held: boolean;
  readonly latencyMs: number;
  readonly jitterMs: number;
  readonly bytesPerSecond: number;
  /** Shared by both directions: what may still pass before the connection is cut. */
  readonly allowance: { bytes: number };
}

export interface PipeEvents {
  passed(bytes: number): void;
  /** The allowance is used up and what was passed on has left. */
  cut(): void;
}

interface Piece {
  bytes: Buffer;
  readonly arrivedAt: number;
  dueAt: number;
}

/** What may wait for its time, in bytes: beyond it the sender is made to wait, as by a full window of TCP. */
const MAX_WAITING = 256 * 1024;
/** Of a limited bandwidth, so much goes at once: 50 ms of it. */
const PORTIONS_PER_SECOND = 20;

/** One direction of a proxied connection. The source is read only as fast as the sink and the shape let go. */
export class FaultPipe {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #events: PipeEvents;
  readonly #pieces: Piece[] = [];
  #shape: Shape;
  #waiting = 0;
  #lastDueAt = 0;
  /** Until when the bandwidth is used up. */
  #usedUntil = 0;
  #timer: NodeJS.Timeout | undefined;
  #full = false;
  #ended = false;
  #closed = false;

  constructor(source: Socket, sink: Socket, shape: Shape, events: PipeEvents) {
    this.#source = source;
    this.#sink = sink;
    this.#shape = shape;
    this.#events = events;
    source.on("data", (bytes: Buffer) => this.#take(bytes));
    source.on("end", () => {
      this.#ended = true;
      this.#flow();
    });
    sink.on("drain", () => {
      this.#full = false;
      this.#flow();
    });
    this.#flow();
  }

  /** Holds for what is on its way too. */
  reshape(shape: Shape): void {
    this.#shape = shape;
    this.#lastDueAt = 0;
    this.#usedUntil = 0;
    for (const piece of this.#pieces) piece.dueAt = this.#due(piece.arrivedAt);
    this.#flow();
  }

  /** What waits is dropped, nothing more is passed on. */
  close(): void {
    this.#closed = true;
    this.#pieces.length = 0;
    clearTimeout(this.#timer);
  }

  #take(bytes: Buffer): void {
    if (this.#closed) return;
    const arrivedAt = performance.now();
    this.#pieces.push({ bytes, arrivedAt, dueAt: this.#due(arrivedAt) });
    this.#waiting += bytes.length;
    this.#flow();
  }

  /** Never before what came first. */
  #due(arrivedAt: number): number {
    const { latencyMs, jitterMs } = this.#shape;
    const jitter = jitterMs === 0 ? 0 : jitterMs * (2 * Math.random() - 1);
    this.#lastDueAt = Math.max(this.#lastDueAt, arrivedAt + latencyMs + jitter);
    return this.#lastDueAt;
  }

  #flow(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    while (!this.#closed && !this.#shape.held && !this.#full) {
      const piece = this.#pieces[0];
      if (piece === undefined) break;
      const waitMs = Math.max(piece.dueAt, this.#usedUntil) - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#flow(), Math.ceil(waitMs)).unref();
        break;
      }
      this.#pass(piece);
    }
    const idle = this.#pieces.length === 0;
    if (idle && this.#ended && !this.#shape.held) this.#sink.end();
    if (this.#shape.held || this.#full || this.#waiting >= MAX_WAITING) this.#source.pause();
    else this.#source.resume();
  }

  #pass(piece: Piece): void {
    const { bytesPerSecond, allowance } = this.#shape;
    const portion = Math.max(1, Math.floor(bytesPerSecond / PORTIONS_PER_SECOND));
    const size = Math.min(piece.bytes.length, portion, allowance.bytes);
    const bytes = piece.bytes.subarray(0, size);
    if (size === piece.bytes.length) this.#pieces.shift();
    else piece.bytes = piece.bytes.subarray(size);
    this.#waiting -= size;
    this.#usedUntil = Math.max(this.#usedUntil, performance.now()) + (size / bytesPerSecond) * 1_000;
    allowance.bytes -= size;
    this.#events.passed(size);
    const cut = allowance.bytes <= 0;
    this.#full = !this.#sink.write(bytes, cut ? () => this.#events.cut() : undefined);
    if (cut) this.close();
  }
}
