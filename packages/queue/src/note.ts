import { type DatabaseError, ERROR_CODES, type ErrorCode, isPlainObject } from "@db/core";

/** What is kept about an entry that did not go through at once. */
export interface Note {
  /** Attempts that counted. */
  readonly attempts: number;
  readonly lastError: NotedError | undefined;
  /** When it became a dead letter, ms since 1970. */
  readonly deadSince: number | undefined;
  /** From when on it may have been applied, ms since 1970. */
  readonly unknownSince: number | undefined;
}

/** An error as it is stored: without its cause, which may hold values. */
export interface NotedError {
  readonly code: ErrorCode;
  readonly message: string;
  /** ms since 1970. */
  readonly at: number;
}

export const NO_NOTE: Note = { attempts: 0, lastError: undefined, deadSince: undefined, unknownSince: undefined };

/** ECMA-262, "Time Values and Time Range". */
const MAX_TIME = 8.64e15;

export function notedError({ code, message }: DatabaseError): NotedError {
  return { code, message, at: Date.now() };
}

export function formatNote(note: Note): string {
  return JSON.stringify(note);
}

/** What cannot be understood is as good as no note: the entry is tried again. */
export function parseNote(text: string): Note {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return NO_NOTE;
  }
  if (!isPlainObject(found)) return NO_NOTE;
  const { attempts, lastError, deadSince, unknownSince } = found;
  return {
    attempts: typeof attempts === "number" ? attempts : 0,
    lastError: isNotedError(lastError) ? lastError : undefined,
    deadSince: isTime(deadSince) ? deadSince : undefined,
    unknownSince: isTime(unknownSince) ? unknownSince : undefined,
  };
}

/** ms since 1970 that a date can tell. */
export function isTime(value: unknown): value is number {
  return typeof value === "number" && Math.abs(value) <= MAX_TIME;
}

function isNotedError(value: unknown): value is NotedError {
  return (
    isPlainObject(value) &&
    ERROR_CODES.includes(value.code as ErrorCode) &&
    typeof value.message === "string" &&
    typeof value.at === "number"
  );
}
