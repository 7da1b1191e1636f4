import { type OperationOf, type OrderKey, type Position, RANK } from "@db/core";
import { type Dialect, SURREAL_2, SURREAL_3 } from "./dialect.ts";
import { all, any, filterText } from "./filter-text.ts";
import { identifier, Parameters } from "./identifier.ts";
import { recordOf } from "./row.ts";

export interface Statement {
  readonly text: string;
  readonly values: { readonly [name: string]: unknown };
}

/** A page of a find, with one row more than the limit to tell whether there is a next. */
export function findText({ collection, query }: OperationOf<"find">, dialect: Dialect): Statement {
  const parameters = new Parameters(dialect);
  const keys = query.order.slice(0, -1);
  const idDirection = query.order.at(-1)?.direction ?? "asc";
  const conditions = query.where === undefined ? [] : [filterText(query.where, parameters)];
  const limit = parameters.bind(query.limit + 1);
  const text =
    keys.length === 0
      ? byId(collection, idDirection, query.after?.at(-1), conditions, limit, parameters)
      : byKeys(collection, query.order, query.after, conditions, limit, parameters);
  return { text, values: parameters.values };
}

export function countText({ collection, where }: OperationOf<"count">, dialect: Dialect): Statement {
  const parameters = new Parameters(dialect);
  const conditions = where === undefined ? [] : [filterText(where, parameters)];
  return {
    text: `SELECT count() FROM ${identifier(collection)}${whereText(conditions)} GROUP ALL`,
    values: parameters.values,
  };
}

/** Rows in the order of their keys, which is the order they are stored in: nothing to sort. */
function byId(
  collection: string,
  direction: OrderKey["direction"],
  after: Position | undefined,
  conditions: readonly string[],
  limit: string,
  parameters: Parameters,
): string {
  const table = identifier(collection);
  if (direction === "desc") {
    const before = after === undefined ? [] : [`id < ${parameters.bind(recordOf(String(after.value)))}`];
    return `SELECT * FROM ${table}${whereText([...before, ...conditions])} ORDER BY id DESC LIMIT ${limit}`;
  }
  if (after === undefined) return `SELECT * FROM ${table}${whereText(conditions)} LIMIT ${limit}`;
  const key = parameters.bind(recordOf(String(after.value)).id);
  const range = parameters.dialect.range(parameters.bind(collection), `${key}>..`);
  return `SELECT * FROM ${range}${whereText(conditions)} LIMIT ${limit}`;
}

/** The row among the columns of an ordered page. */
export function rowIn(columns: unknown): unknown {
  const { [`${SURREAL_3.columnPrefix}row`]: row, [`${SURREAL_2.columnPrefix}row`]: older } = columns as {
    readonly [name: string]: unknown;
  };
  return row ?? older;
}

/**
 * Rows in the order of their fields' positions. ORDER BY takes aliases only, and LIMIT is right only where the table
 * stands literally in FROM.
 */
function byKeys(
  collection: string,
  order: readonly OrderKey[],
  after: readonly Position[] | undefined,
  conditions: readonly string[],
  limit: string,
  parameters: Parameters,
): string {
  const { dialect } = parameters;
  const column = (name: string): string => dialect.column(name);
  const [row, id] = [column("row"), column("id")];
  const ranks = parameters.bind(RANKS);
  const terms = order.slice(0, -1).flatMap(({ path, direction }, index): readonly Term[] => {
    const found = parameters.path(path);
    return [
      { name: `r${index}`, direction, text: dialect.rank(found, ranks, RANK.other) },
      { name: `v${index}`, direction, text: positionText(found, ranks, dialect) },
    ];
  });
  const idDirection = order.at(-1)?.direction ?? "asc";
  const added = parameters.bind(
    [...terms.map(({ name }) => name), "id", "row"].map((name) => dialect.columnPrefix + name),
  );
  const columns = terms.map(({ name, text }) => `${text} AS ${column(name)}`).join(", ");
  const sorting = terms.map(({ name, direction }) => `${column(name)} ${direction}`).join(", ");
  const behind = after === undefined ? [] : [behindText(terms, idDirection, after, parameters)];
  const source = `${identifier(collection)}${whereText([...behind, ...conditions])}`;
  const plain = `${dialect.row(added)} AS ${row}`;
  return `SELECT id AS ${id}, ${plain}, ${columns} FROM ${source} ORDER BY ${sorting}, ${id} ${idDirection} LIMIT ${limit}`;
}

/** Core's ranks by the engine's names of types; what is not named ranks last. A decimal is a number among numbers. */
const RANKS = {
  none: RANK.nothing,
  null: RANK.nothing,
  bool: RANK.boolean,
  int: RANK.number,
  float: RANK.number,
  decimal: RANK.number,
  datetime: RANK.date,
  string: RANK.string,
};

/**
 * The value within its rank. Of a date the milliseconds that a `Date` holds, or a cursor would not pass its row; of a
 * decimal the nearest float, which is what a cursor holds of it. The inner parentheses are for version 2.6.0, where a block that
 * ends with a bare IF answers nothing.
 */
function positionText(found: string, ranks: string, dialect: Dialect): string {
  const date = `IF ${dialect.is("datetime", found)} { time::millis(${found}) }`;
  const decimal = `ELSE IF ${dialect.is("decimal", found)} { <float> ${found} }`;
  return `(IF ${dialect.rank(found, ranks, 0)} { (${date} ${decimal} ELSE { ${found} }) } ELSE { NONE })`;
}

interface Term {
  readonly name: string;
  readonly text: string;
  readonly direction: OrderKey["direction"];
}

/** Behind a cursor: greater at the first term where it differs. Flat, for the parser's depth is limited. */
function behindText(
  terms: readonly Pick<Term, "text" | "direction">[],
  idDirection: OrderKey["direction"],
  after: readonly Position[],
  parameters: Parameters,
): string {
  const bounds = after
    .slice(0, -1)
    .flatMap((position) => [parameters.bind(position.rank), parameters.bind(boundOf(position))]);
  const id = parameters.bind(recordOf(String(after.at(-1)?.value)));
  const columns = [
    ...terms.map((term, index) => ({ ...term, bound: bounds[index] ?? "NONE" })),
    { text: "id", direction: idDirection, bound: id },
  ];
  return any(
    columns.map(({ text, direction, bound }, index) => {
      const same = columns.slice(0, index).map((term) => `${term.text} == ${term.bound}`);
      return all([...same, `${text} ${direction === "asc" ? ">" : "<"} ${bound}`]);
    }),
  );
}

function boundOf({ rank, value }: Position): unknown {
  if (rank === RANK.nothing || rank === RANK.other) return undefined;
  return value instanceof Date ? value.getTime() : value;
}

function whereText(conditions: readonly string[]): string {
  return conditions.length === 0 ? "" : ` WHERE ${conditions.join(" AND ")}`;
}
