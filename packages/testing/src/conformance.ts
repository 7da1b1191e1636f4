import { createDatabase, type DatabaseService, type Driver } from "@db/core";
import type { Case, CaseContext, ConformanceOptions, Theme } from "./conformance-case.ts";
import { themes } from "./themes.ts";

/**
 * The conformance suite: defines one test for each promise of the contract. A driver that passes may be put under every
 * layer of `@db/*`. What it cannot do it must refuse with UNSUPPORTED, and the suite checks that too.
 * @throws TypeError for an `except` that names no case
 */
export function describeDriver(options: ConformanceOptions): void {
  const { name, runner, capabilities, except = {} } = options;
  const chosen = themes.filter(
    ({ needs, lacks }) => (needs === undefined || capabilities[needs]) && (lacks === undefined || !capabilities[lacks]),
  );
  checkExceptions(except);
  const shared = new SharedService(options);
  runner.describe(`${name} keeps the contract of @db/core`, () => {
    for (const theme of chosen) {
      runner.describe(theme.name, () => {
        for (const [title, run] of Object.entries(theme.cases)) define(shared, theme, title, run);
      });
    }
    runner.test("the shared service disconnects", () => shared.close());
    runner.afterAll?.(() => shared.close());
  });
}

function define(shared: SharedService, { name }: Theme, title: string, run: Case): void {
  const { runner, except = {} } = shared.options;
  const reason = except[title];
  if (reason !== undefined) runner.test.skip?.(`${title} (left out: ${reason})`, async () => {});
  else runner.test(title, () => shared.run(name, run));
}

function checkExceptions(except: { readonly [title: string]: string }): void {
  const titles = themes.flatMap((theme) => Object.keys(theme.cases));
  for (const title of Object.keys(except)) {
    if (!titles.includes(title)) throw new TypeError(`except: expected the title of a case, got "${title}"`);
  }
}

/** Opening a native engine costs up to a third of a second, so the cases share one and keep to their collections. */
class SharedService {
  readonly options: ConformanceOptions;
  #opened: Promise<{ readonly db: DatabaseService; readonly driver: Driver }> | undefined;
  #cases = 0;

  constructor(options: ConformanceOptions) {
    this.options = options;
  }

  async run(theme: string, run: Case): Promise<void> {
    const { db, driver } = await this.#open();
    const opened: DatabaseService[] = [];
    this.#cases += 1;
    const context: CaseContext = {
      db,
      driver,
      collection: `${theme.replaceAll(/\W/g, "_")}_${this.#cases}`,
      options: this.options,
      facade: (options) => createDatabase({ driver, ...options }),
      open: async () => {
        const fresh = await this.#create();
        opened.push(fresh.db);
        return fresh;
      },
    };
    try {
      await run(context);
    } finally {
      for (const service of opened) await service.disconnect({ drainMs: 100 });
    }
  }

  async close(): Promise<void> {
    const opened = await this.#opened;
    await opened?.db.disconnect();
  }

  #open(): Promise<{ readonly db: DatabaseService; readonly driver: Driver }> {
    this.#opened ??= this.#create().then(async (fresh) => {
      await fresh.db.connect({ timeoutMs: 30_000 });
      return fresh;
    });
    return this.#opened;
  }

  async #create(): Promise<{ readonly db: DatabaseService; readonly driver: Driver }> {
    const driver = await this.options.connect();
    return { db: createDatabase({ driver }), driver };
  }
}
