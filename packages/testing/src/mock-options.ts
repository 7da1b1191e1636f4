import type { Capabilities, Fields } from "@db/core";

/** What `MockDatabase` takes. */
export interface MockDatabaseOptions {
  /** The driver's name in messages and telemetry. Default `mock`. */
  readonly name?: string;
  /** Switches capabilities off, which are then refused with UNSUPPORTED. Default: all but savepoints and queryLanguage. */
  readonly capabilities?: Partial<Capabilities>;
  /** Answers `query`, one result per statement; gives the driver its queryLanguage. */
  readonly onQuery?: (
    text: string,
    params: Fields,
    access: "read" | "write",
  ) => readonly unknown[] | Promise<readonly unknown[]>;
  /** How long every call takes before it is carried out, in milliseconds, 0 or more. Default 0: no wait at all. */
  readonly latencyMs?: number;
  /** How many of the last calls `calls` holds, 1 or more. Default 10,000: enough for a test, bounded for a service. */
  readonly maxCalls?: number;
  /** What `version()` answers. Default `mock-1.0.0`. */
  readonly version?: string;
}

const OPTIONS = ["name", "capabilities", "onQuery", "latencyMs", "maxCalls", "version"];
const CAPABILITIES: Capabilities = {
  transactions: true,
  savepoints: false,
  idempotentWrites: true,
  liveQueries: true,
  scopes: true,
  queryLanguage: false,
};

/** @throws TypeError for an option that is unknown or wrong */
export function checkMockOptions(options: MockDatabaseOptions): void {
  for (const name of Object.keys(options)) {
    if (!OPTIONS.includes(name))
      throw new TypeError(`MockDatabase: unknown option "${name}", expected one of ${OPTIONS.join(", ")}`);
  }
  const { maxCalls = 1, onQuery } = options;
  if (!Number.isInteger(maxCalls) || maxCalls < 1) {
    throw new TypeError(`maxCalls: expected an integer of 1 or more, got ${maxCalls}`);
  }
  if (onQuery !== undefined && typeof onQuery !== "function") {
    throw new TypeError(`onQuery: expected a function, got ${typeof onQuery}`);
  }
}

/** @throws TypeError where one is asked for that the mock does not have */
export function mockCapabilities({ capabilities = {}, onQuery }: MockDatabaseOptions): Capabilities {
  const most = { ...CAPABILITIES, queryLanguage: onQuery !== undefined };
  for (const [name, wanted] of Object.entries(capabilities)) {
    if (!Object.hasOwn(most, name)) {
      throw new TypeError(`capabilities: expected one of ${Object.keys(most).join(", ")}, got "${name}"`);
    }
    if (wanted === true && !most[name as keyof Capabilities]) {
      const why = name === "queryLanguage" ? "give onQuery instead" : "the mock does not have it";
      throw new TypeError(`capabilities.${name}: expected false, got true: ${why}`);
    }
  }
  return { ...most, ...capabilities };
}

/** @throws TypeError */
export function checkMs(option: string, ms: number): number {
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw new TypeError(`${option}: expected a number of milliseconds of 0 or more, got ${ms}`);
}
