/** What crosses from the worker, where errors lose their class. */
export interface SqliteFault {
  /** The extended result code; 0 where it was not SQLite's. */
  readonly code: number;
  /** As Node names it: `EACCES`, `ENOENT`, … */
  readonly errno: string | undefined;
  readonly message: string;
}

export function toFault(thrown: unknown): SqliteFault {
  const { errcode, code, message } = (thrown ?? {}) as { errcode?: unknown; code?: unknown; message?: unknown };
  const errno = typeof code === "string" && code.startsWith("E") && !code.startsWith("ERR_") ? code : undefined;
  return { code: typeof errcode === "number" ? errcode : 0, errno, message: String(message ?? thrown) };
}
