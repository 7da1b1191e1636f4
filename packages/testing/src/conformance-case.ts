import type { Capabilities, DatabaseOptions, DatabaseService, Driver, Scope } from "@db/core";

/** What `vitest`, `node:test` and `jest` have in common. */
export interface Runner {
  describe(title: string, define: () => void): unknown;
  readonly test: ((title: string, run: () => Promise<void>) => unknown) & {
    readonly skip?: (title: string, run: () => Promise<void>) => unknown;
  };
  /** Closes the shared service also when only some cases were run: `afterAll`, or `after` of `node:test`. */
  readonly afterAll?: (run: () => Promise<void>) => unknown;
}

/** A value of a type that only one database has. */
export interface OwnValue {
  readonly name: string;
  readonly value: unknown;
  equal(read: unknown, written: unknown): boolean;
}

/** What `describeDriver` takes. */
export interface ConformanceOptions {
  readonly name: string;
  /**
   * A driver that is not connected, over an empty database of its own: nothing that another one wrote may be seen. It is
   * called once for all ordinary cases and once for each of about ten that are about the connection.
   */
  readonly connect: () => Driver | Promise<Driver>;
  /** What the driver must be able to do, compared with what it says; all else it must refuse with UNSUPPORTED. */
  readonly capabilities: Capabilities;
  readonly runner: Runner;
  /** Values that only this database has; they must round trip. Without it every class instance must be refused. */
  readonly ownValues?: () => readonly OwnValue[];
  /** Two tenants for a driver with scopes. Default: `conformance`/`one` and `conformance`/`two`. */
  readonly scopes?: readonly [Scope, Scope];
  /**
   * A query in the database's own language that resolves to its parameter `value` as the one result, such as
   * `RETURN $value`. Default none: then only refusals of `query` are checked.
   */
  readonly echo?: string;
  /** Titles of cases to leave out, each with the reason. An unknown title is a TypeError. Default none. */
  readonly except?: { readonly [title: string]: string };
}

/** What one case gets. */
export interface CaseContext {
  /** Connected and shared by most cases. */
  readonly db: DatabaseService;
  /** The driver below `db`. */
  readonly driver: Driver;
  /** Empty, and of this case alone. */
  readonly collection: string;
  readonly options: ConformanceOptions;
  /** Another façade over the shared driver, with layers or a deadline of its own. */
  facade(options: Omit<DatabaseOptions, "driver">): DatabaseService;
  /** A service over a new and empty database, not yet connected; closed when the case ends. */
  open(): Promise<{ readonly db: DatabaseService; readonly driver: Driver }>;
}

export type Case = (context: CaseContext) => Promise<void>;

export interface Theme {
  readonly name: string;
  /** The title is a sentence that says what is promised. */
  readonly cases: { readonly [title: string]: Case };
  /** Only where the driver has this capability … */
  readonly needs?: keyof Capabilities;
  /** … or only where it has not. */
  readonly lacks?: keyof Capabilities;
}
