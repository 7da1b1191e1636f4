import {
  type CallContext,
  DatabaseErrorOf,
  type Driver,
  type DriverTransaction,
  getField,
  type Handlers,
  isPlainObject,
  type OperationOf,
  type Row,
  type StatementKind,
  untilInterrupted,
  type Value,
  valueAt,
} from "@db/core";
import { MockDatabase } from "../src/index.ts";

type Statements = Handlers<StatementKind>;
type Change = (mock: MockDatabase, whole: Statements) => Partial<Driver>;

/** A driver with one mistake, and the titles of cases that must find it. */
export interface BrokenDriver {
  readonly mistake: string;
  readonly connect: () => Driver;
  readonly found: readonly string[];
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function breaking(mistake: string, change: Change, found: readonly string[]): BrokenDriver {
  const connect = (): Driver => {
    const mock = new MockDatabase();
    const own = change(mock, mock.statements);
    return new Proxy<Driver>(mock, {
      get: (_, key) => {
        const value: unknown = Object.hasOwn(own, key) ? Reflect.get(own, key) : Reflect.get(mock, key, mock);
        return typeof value === "function" ? value.bind(mock) : value;
      },
    });
  };
  return { mistake, connect, found };
}

/** The mistake is in the statements alone. */
function misstating(
  mistake: string,
  change: (whole: Statements) => Partial<Statements>,
  found: readonly string[],
): BrokenDriver {
  return breaking(mistake, (_, whole) => ({ statements: { ...whole, ...change(whole) } }), found);
}

/** What is written goes through `encode` first. */
function miswriting(mistake: string, encode: (value: Value) => Value, found: readonly string[]): BrokenDriver {
  const encodeAll = (data: Row | OperationOf<"create">["data"]) =>
    encode(data as Value) as OperationOf<"create">["data"];
  return misstating(
    mistake,
    ({ create, update }) => ({
      create: (operation, context) => create({ ...operation, data: encodeAll(operation.data) }, context),
      update: (operation, context) => update({ ...operation, data: encodeAll(operation.data) }, context),
    }),
    found,
  );
}

/** All ids go through `encode` on their way in. */
function misnaming(mistake: string, encode: (id: string) => string, found: readonly string[]): BrokenDriver {
  return misstating(
    mistake,
    ({ create, read, update, delete: remove }) => ({
      create: (operation, context) => create({ ...operation, id: encode(operation.id) }, context),
      read: (operation, context) => read({ ...operation, id: encode(operation.id) }, context),
      update: (operation, context) => update({ ...operation, id: encode(operation.id) }, context),
      delete: (operation, context) => remove({ ...operation, id: encode(operation.id) }, context),
    }),
    found,
  );
}

/** Every statement gets another context. */
function miscontexted(
  mistake: string,
  change: (context: CallContext) => CallContext,
  found: readonly string[],
): BrokenDriver {
  return misstating(
    mistake,
    (whole) => {
      const changed = <K extends StatementKind>(kind: K): Statements[K] =>
        ((operation: OperationOf<K>, context: CallContext) => whole[kind](operation, change(context))) as Statements[K];
      return {
        create: changed("create"),
        read: changed("read"),
        update: changed("update"),
        delete: changed("delete"),
        find: changed("find"),
        count: changed("count"),
      };
    },
    found,
  );
}

function deepMerged(old: unknown, fresh: Value): Value {
  if (!isPlainObject(old) || !isPlainObject(fresh)) return fresh;
  const merged = { ...old } as { [field: string]: Value };
  for (const [name, value] of Object.entries(fresh)) merged[name] = deepMerged(old[name], value as Value);
  return merged;
}

function mapValues(value: Value, change: (value: Value) => Value): Value {
  if (Array.isArray(value)) return value.map((item: Value) => mapValues(item, change));
  if (!isPlainObject(value)) return change(value);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, mapValues(field as Value, change)]));
}

const nothing = async (): Promise<void> => {};
const fixedOffsets = new Map<string, number>();

export const brokenDrivers: readonly BrokenDriver[] = [
  misstating(
    "merges nested objects",
    ({ read, update }) => ({
      update: async (operation, context) => {
        const row = await read({ ...operation, kind: "read" }, context);
        const data = operation.mode === "merge" ? deepMerged(row, operation.data as Value) : operation.data;
        return update({ ...operation, data: data as typeof operation.data }, context);
      },
    }),
    ["a merge replaces nested objects whole"],
  ),
  misstating(
    "reads, thinks and writes back",
    ({ read, update }) => ({
      update: async (operation, context) => {
        const row = await read({ ...operation, kind: "read" }, context);
        await turn();
        if (row === undefined || operation.mode === "replace") return update(operation, context);
        const { id: _, ...data } = row as { [field: string]: Value };
        for (const [name, value] of Object.entries(operation.data)) {
          data[name] = operation.mode === "merge" ? value : Number(data[name] ?? 0) + Number(value);
        }
        return update({ ...operation, mode: "replace", data }, context);
      },
    }),
    [
      "two hundred increments of one record at once are all counted",
      "merges of different fields at once all stay",
      "a thousand calls at once are all answered, each with its own answer",
    ],
  ),
  misstating(
    "checks an expectation apart from the write",
    ({ read, update }) => ({
      update: async (operation, context) => {
        if (operation.expect === undefined) return update(operation, context);
        const row = await read({ ...operation, kind: "read" }, context);
        const held = Object.entries(operation.expect).every(([name, value]) => getField(row, name) === value);
        await turn();
        return held ? update({ ...operation, expect: undefined }, context) : update(operation, context);
      },
    }),
    ["of updates that expect the same state at once exactly one wins"],
  ),
  misstating(
    "creates over what is there",
    ({ create, delete: remove }) => ({
      create: (operation, context) =>
        create(operation, context).catch(async () => {
          await remove({ ...operation, kind: "delete", expect: undefined, returning: false }, context);
          return create(operation, context);
        }),
    }),
    [
      "create of an existing id is refused and leaves the record as it was",
      "of creates of one id at once exactly one wins",
    ],
  ),
  misstating(
    "updates what is not there",
    ({ create, update }) => ({
      update: (operation, context) =>
        update(operation, context).catch(() => create({ ...operation, kind: "create" }, context)),
    }),
    ["an update of a missing record is NOT_FOUND in every mode and makes none"],
  ),
  misstating(
    "rejects with errors of its own",
    ({ delete: remove }) => ({
      delete: (operation, context) =>
        remove(operation, context).catch(() => {
          throw new Error("no such row");
        }),
    }),
    ["a second delete is NOT_FOUND"],
  ),
  misstating(
    "tells the caller's values in its messages",
    ({ create }) => ({
      create: (operation, context) =>
        create(operation, context).catch(() => {
          const { id } = operation;
          throw new DatabaseErrorOf("ALREADY_EXISTS", `cannot insert ${JSON.stringify(operation.data)}`, { id });
        }),
    }),
    ["messages hold no values"],
  ),
  misstating(
    "counts null as 0",
    ({ read, update }) => ({
      update: async (operation, context) => {
        const row = await read({ ...operation, kind: "read" }, context);
        const nulls = Object.keys(operation.data).filter((name) => getField(row, name) === null);
        if (operation.mode !== "increment" || nulls.length === 0) return update(operation, context);
        return update({ ...operation, mode: "merge" }, context);
      },
    }),
    ["an increment of what is no number is FIELD_VIOLATION and changes nothing"],
  ),

  misnaming("drops quotes from ids", (id) => id.replaceAll(/['"`⟨⟩\\]/g, ""), [
    "hostile keys are keys",
    "facts name the record or the field",
  ]),
  misnaming("takes digits for a number", (id) => id.replace(/:[+-]?0*(\d+)(\.0)?$/, ":$1"), [
    "keys of digits are strings, each its own",
  ]),
  misnaming("normalises ids", (id) => id.normalize("NFKC"), ["keys that differ only by Unicode normalisation are two"]),
  misnaming("takes ids without regard to case", (id) => id.toLowerCase(), ["keys that differ only by case are two"]),
  misnaming("trims ids", (id) => id.trim(), ["keys that differ only by white space are two"]),
  misnaming("cuts ids at their second colon", (id) => id.split(":", 2).join(":"), ["a key may hold colons"]),
  misnaming("cuts long ids", (id) => id.slice(0, 255), ["a key of the greatest length is kept whole"]),

  miswriting("stores dates as text", (value) => mapValues(value, (one) => (one instanceof Date ? one.toJSON() : one)), [
    "a date is a Date and not its text",
    "dates are kept to the millisecond, also before 1970",
  ]),
  miswriting(
    "stores dates by the second",
    (value) =>
      mapValues(value, (one) => (one instanceof Date ? new Date(Math.trunc(one.getTime() / 1_000) * 1_000) : one)),
    ["dates are kept to the millisecond, also before 1970"],
  ),
  miswriting(
    "stores all numbers as floats",
    (value) => mapValues(value, (one) => (typeof one === "bigint" ? Number(one) : one)),
    ["whole numbers beyond 2⁵³ are kept exactly, as bigints", "an increment is exact for whole numbers of 64 bits"],
  ),
  miswriting(
    "stores no null",
    (value) => Object.fromEntries(Object.entries(value as object).filter(([, one]) => one !== null)),
    ["null is not missing", "a merge with undefined removes the field, null keeps it as null"],
  ),
  miswriting("assigns to __proto__", (value) => assigned(value), [
    "names that reach for a prototype are kept or refused, never obeyed",
  ]),
  miswriting("reads dotted names as paths", (value) => undotted(value), [
    "a dotted name is one field and never a path",
    "is kept as the name of a field",
  ]),

  misstating(
    "sorts text as people do",
    ({ find }) => ({
      find: async (operation, context) => {
        const { items, next } = await find(operation, context);
        const [key] = operation.query.order;
        if (key === undefined) return { items, next };
        const text = (row: Row): string => String(valueAt(row, key.path));
        const sign = key.direction === "asc" ? 1 : -1;
        return { items: items.toSorted((a, b) => sign * text(a).localeCompare(text(b), "en")), next };
      },
    }),
    ["text is ordered by code point", "values of all types stand in core's order"],
  ),
  misstating(
    "leaves ties in the order of insertion",
    ({ find }) => ({
      find: async (operation, context) => {
        const { items, next } = await find(operation, context);
        const first = operation.query.order[0];
        if (first === undefined || first.path[0] !== "tie") return { items, next };
        return {
          items: items.toSorted((a, b) => (String(a.tie) === String(b.tie) ? Number(a.n) - Number(b.n) : 0)),
          next,
        };
      },
    }),
    ["ties are broken by id, upwards"],
  ),
  misstating(
    "pages by offset",
    ({ find }) => ({
      find: async (operation, context) => {
        const { limit, after } = operation.query;
        const start = after === undefined ? 0 : (fixedOffsets.get(positionsKey(after.map(({ value }) => value))) ?? 0);
        const query = { ...operation.query, limit: 10_000, after: undefined };
        const all = await find({ ...operation, query }, context);
        const page = await find({ ...operation, query: { ...query, limit: start + limit } }, context);
        const last = all.items[start + limit - 1];
        if (page.next !== null && last !== undefined) {
          const positions = operation.query.order.map(({ path }) => valueAt(last, path));
          fixedOffsets.set(positionsKey(positions), start + limit);
        }
        return { items: all.items.slice(start, start + limit), next: page.next };
      },
    }),
    [
      "the deletion of the row at a cursor does not disturb the next page",
      "rows inserted before the cursor do not push others on a second time",
    ],
  ),
  misstating(
    "finds by null as SQL does",
    ({ find }) => ({
      find: async (operation, context) => {
        const { items, next } = await find(operation, context);
        const { where } = operation.query;
        const found = where?.op === "eq" && where.value === null ? [] : items;
        return { items: found, next };
      },
    }),
    ["eq null matches null and missing, ne null what has a value", "eq matches what core's own filter matches"],
  ),
  misstating(
    "finds text by LIKE",
    ({ find }) => ({
      find: async (operation, context) => {
        const { where } = operation.query;
        if (where?.op !== "contains" || typeof where.value !== "string") return find(operation, context);
        const pattern = new RegExp(
          where.value
            .replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
            .replaceAll("%", ".*")
            .replaceAll("_", "."),
          "iu",
        );
        const all = await find({ ...operation, query: { ...operation.query, where: undefined } }, context);
        return { items: all.items.filter((row) => pattern.test(String(valueAt(row, where.path)))), next: null };
      },
    }),
    ["contains takes text as it is, not as a pattern", "contains matches what core's own filter matches"],
  ),
  misstating(
    "counts all when there is a filter",
    ({ count }) => ({ count: (operation, context) => count({ ...operation, where: undefined }, context) }),
    ["count counts what a filter matches, and all without one", "count counts what core's own filter matches"],
  ),

  miscontexted("hears no signal", (context) => context.with({ signal: new AbortController().signal }), [
    "a driver that is handed a signal which has fired starts nothing",
  ]),
  misstating(
    "tells no effect and writes all the same",
    ({ create }) => ({
      create: (operation, context) => {
        const late = turn().then(() => create(operation, context.with({ signal: new AbortController().signal })));
        return untilInterrupted(late, context, "none");
      },
    }),
    ["a create aborted at any point is stored or not, as it says"],
  ),
  misstating(
    "leaves listeners behind",
    ({ read }) => ({
      read: (operation, context) => {
        context.signal.addEventListener("abort", () => {});
        return read(operation, context);
      },
    }),
    ["the driver leaves no listener on the signal it was handed"],
  ),
  miscontexted("knows no scopes and says nothing", (context) => context.with({ scope: undefined }), [
    "one id names another record in each scope",
    "find and count stay within their scope",
  ]),
  miscontexted("keeps no ledger and says nothing", (context) => context.with({ ledger: false }), [
    "the ledger knows the writes that were applied under it and no others",
    "an update sent twice under one operation id is applied once",
    "a create sent twice under one operation id is one record",
  ]),
  misstating(
    "answers with the old row",
    ({ read, update }) => ({
      update: async (operation, context) => {
        const row = await read({ ...operation, kind: "read" }, context);
        const result = await update(operation, context);
        return operation.returning && row !== undefined ? { ...result, row } : result;
      },
    }),
    ["an update with returning gives the stored row in every mode"],
  ),

  breaking(
    "has transactions in name only",
    (mock) => ({
      begin: async (): Promise<DriverTransaction> => ({
        statements: mock.statements,
        commit: nothing,
        rollback: nothing,
      }),
    }),
    [
      "a transaction whose work rejects leaves nothing, and its error comes back by identity",
      "what is not committed is not seen outside",
      "two transactions on one record at once lose no increment",
      "a deadline that passes during work rolls back",
      "a transaction aborted at any point is whole or nothing, as it says",
    ],
  ),
  breaking(
    "lets the last committer win",
    (mock, whole) => ({
      begin: async (options, context): Promise<DriverTransaction> => {
        const inner = await mock.begin(options, context);
        const updates: OperationOf<"update">[] = [];
        return {
          statements: {
            ...inner.statements,
            update: (operation, own) => {
              updates.push(operation);
              return inner.statements.update(operation, own);
            },
          },
          commit: async (own) => {
            for (const operation of updates) await whole.update(operation, own);
          },
          rollback: (own) => inner.rollback(own),
        };
      },
    }),
    [
      "two transactions on one record at once lose no increment",
      "the loser of a conflict is told CONFLICT without effect and may try again",
    ],
  ),
  breaking(
    "commits although the signal has fired",
    (mock) => ({
      begin: async (options, context): Promise<DriverTransaction> => {
        const inner = await mock.begin(options, context);
        return {
          statements: inner.statements,
          commit: (own) => inner.commit(own.with({ signal: new AbortController().signal })),
          rollback: (own) => inner.rollback(own),
        };
      },
    }),
    ["a commit whose signal has fired already stores nothing"],
  ),
  breaking("claims what it has not", (mock) => ({ capabilities: { ...mock.capabilities, savepoints: true } }), [
    "the driver says of itself what the suite was told",
  ]),
  breaking("says nothing of its state", () => ({ state: { name: "connected", since: 0 } }), [
    "before connect every call is NOT_CONNECTED",
    "after disconnect every call is CLOSED",
  ]),
];

/** What a decoder does that assigns each field. */
function assigned(value: Value): Value {
  if (!isPlainObject(value)) return value;
  const copy: { [field: string]: Value } = {};
  for (const [name, field] of Object.entries(value)) copy[name] = assigned(field as Value);
  return copy;
}

function undotted(value: Value): Value {
  const copy: { [field: string]: Value } = {};
  for (const [name, field] of Object.entries(value as object)) {
    const [head = "", ...rest] = name.split(".");
    if (rest.length === 0 || head === "") copy[name] = field as Value;
    else copy[head] = { [rest.join(".")]: field as Value };
  }
  return copy;
}

function positionsKey(values: readonly unknown[]): string {
  return values.map(String).join();
}
