/** How the thread of a store is to die, and when: before or after it has done the first request of a kind that is deadly. */
export interface Death {
  readonly how: "exit" | "exception" | "memory" | "hang";
  readonly when: "before" | "after";
  readonly request: "open" | "commit" | "read" | "close";
  /** Of a shared buffer: becomes 1 when a thread hangs. */
  readonly latch?: Int32Array;
}

/** A commit is deadly when this stands in an entry. */
export const DEADLY = "deadly";
