import {
  type CallContext,
  type DatabaseError,
  DatabaseErrorOf,
  type Fields,
  type Handlers,
  isDatabaseError,
  isPlainObject,
  type OperationOf,
  pageOf,
  type StatementKind,
  type WriteKind,
  type WriteResult,
} from "@db/core";
import { type Wording, wordedIn } from "./dialect.ts";
import { isMissingTable } from "./errors.ts";
import { countText, findText, rowIn } from "./find-text.ts";
import { earlierResult, type Ledger } from "./ledger.ts";
import { type LedgerRow, ledgeredText } from "./ledger-text.ts";
import { recordOf, rowOf, withId, withNumbers } from "./row.ts";
import type { Session } from "./session.ts";
import type { Release } from "./turnstile.ts";
import { createText, deleteText, MISMATCH, MISSING, NOT_A_NUMBER, updateText } from "./write-text.ts";

/** How writes are kept apart; inside a transaction nothing more is needed. */
export interface WriteLocks {
  create(operation: OperationOf<"create">, context: CallContext): Release | Promise<Release>;
  /** The table is there now. */
  created(collection: string, context: CallContext): void;
  record(id: string, context: CallContext): Release | Promise<Release>;
  unknown(context: CallContext): Promise<Release>;
  /** After the attempts of an operation that were made under the ledger, those included that were given up. */
  operation(operationId: string, context: CallContext): Promise<Release>;
  /** For a table that is defined and not written to. */
  define(context: CallContext): Release | Promise<Release>;
}

type Change = OperationOf<"update"> | OperationOf<"delete">;
/** What the write answered, or under the ledger the row of an earlier time. */
type Written = readonly [answer?: unknown, known?: LedgerRow];

/**
 * The statements of the contract over one session: the service's own or that of a transaction.
 * @param reads where what only reads is asked, if somewhere else
 */
export function createHandlers(
  session: Session,
  locks: WriteLocks,
  ledger: Ledger,
  reads: Session = session,
): Handlers<StatementKind> {
  const write = async (
    operation: OperationOf<WriteKind>,
    statement: Wording,
    context: CallContext,
    lock: () => Release | Promise<Release>,
  ): Promise<Written> => {
    if (context.ledger) await ledger.ready(context);
    const held = lock();
    const onDone = held instanceof Promise ? await held : held;
    const asked = { effect: "unknown", id: operation.id, onDone } as const;
    if (!context.ledger) return [await session.ask(statement, context, asked)];
    const ledgered: Wording = (dialect) => ledgeredText(operation, wordedIn(dialect, statement), context, dialect);
    return (await session.ask(ledgered, context, asked)) as Written;
  };
  const change = async (operation: Change, statement: Wording, context: CallContext): Promise<WriteResult> => {
    const lock = (): Release | Promise<Release> => locks.record(operation.id, context);
    const [answer, known] = (await write(operation, statement, context, lock).catch(missingTable(operation))) ?? [];
    return known === undefined ? resultOf(operation, answer, context) : earlierResult(known, context);
  };

  return {
    async create(operation, context) {
      const lock = (): Release | Promise<Release> => locks.create(operation, context);
      const written = write(operation, (dialect) => createText(operation, dialect), context, lock);
      const [row, known] = await written.catch((error: unknown) => {
        throw asSchemaFault(error, operation.collection);
      });
      if (known !== undefined) return earlierResult(known, context);
      locks.created(operation.collection, context);
      const { id, returning } = operation;
      return {
        id,
        operationId: context.operationId,
        status: "committed",
        ...(returning ? { row: withId(row, id) } : {}),
      };
    },
    async read({ collection, id }, context) {
      const statement = { text: "SELECT * FROM ONLY $_id", values: { _id: recordOf(id) } };
      const row = await reads.ask(statement, context, { effect: "none", id }).catch(missingTable({ collection }));
      return row === undefined ? undefined : withId(row, id);
    },
    update: (operation, context) =>
      change(operation, (dialect) => updateText(operation, dialect), context).catch((error: unknown) => {
        throw operation.mode === "increment" ? asOverflow(error, operation.data) : error;
      }),
    delete: (operation, context) => change(operation, (dialect) => deleteText(operation, dialect), context),
    async find(operation, context) {
      const page: Wording = (dialect) => findText(operation, dialect);
      const found = await reads.ask(page, context, { effect: "none" }).catch(missingTable(operation));
      const rows = (found as readonly unknown[] | undefined) ?? [];
      const ordered = operation.query.order.length > 1;
      const plain = ordered ? rows.map(rowIn) : rows;
      return pageOf(operation.collection, operation.query, plain.map(rowOf), withNumbers);
    },
    async count(operation, context) {
      const counted: Wording = (dialect) => countText(operation, dialect);
      const found = await reads.ask(counted, context, { effect: "none" }).catch(missingTable(operation));
      const [row] = (found as readonly { readonly count: number }[] | undefined) ?? [];
      return row?.count ?? 0;
    },
    async query({ text, params, access }, context) {
      if (access === "read") return reads.query(text, params, context, { effect: "none" });
      const onDone = await locks.unknown(context);
      return session.query(text, params, context, { effect: "unknown", onDone });
    },
  };
}

function missingTable({ collection }: { readonly collection: string }): (error: unknown) => undefined {
  return (error) => {
    if (isMissingTable(error, collection)) return undefined;
    throw asSchemaFault(error, collection);
  };
}

/** A table that the schema's own expressions ask for is not what was asked for. */
function asSchemaFault(error: unknown, collection: string): unknown {
  if (!isMissingTable(error) || isMissingTable(error, collection)) return error;
  const { cause } = error as DatabaseError;
  const expected = "a schema that asks for tables that exist";
  return new DatabaseErrorOf("INVALID_QUERY", `expected ${expected}; see cause`, { expected }, { cause });
}

function resultOf(operation: Change, answer: unknown, context: CallContext): WriteResult {
  const { id, returning } = operation;
  if (isPlainObject(answer) && (operation.kind === "delete" || "row" in answer)) {
    const row = operation.kind === "delete" ? answer : answer.row;
    return {
      id,
      operationId: context.operationId,
      status: "committed",
      ...(returning ? { row: withId(row, id) } : {}),
    };
  }
  if (answer === MISMATCH) throw new DatabaseErrorOf("PRECONDITION_FAILED", "a field is not as expected", { id });
  if (answer === undefined || answer === null || answer === MISSING)
    throw new DatabaseErrorOf("NOT_FOUND", "no record of this id exists", { id });
  if (operation.kind === "update" && operation.mode === "increment" && typeof answer === "number") {
    const field = Object.keys(operation.data)[answer - NOT_A_NUMBER];
    if (field !== undefined) throw notANumber(field);
  }
  const message = "the database answered a change in a way that is not known";
  throw new DatabaseErrorOf("INTERNAL", message, {}, { effect: "unknown" });
}

function notANumber(field: string, cause?: unknown): DatabaseErrorOf<"FIELD_VIOLATION"> {
  return new DatabaseErrorOf("FIELD_VIOLATION", `the field ${field} cannot be incremented`, { field }, { cause });
}

const SUM = /^Cannot perform addition with '.*' and '(.*)'$/s;

/** The one way an increment's own text can be refused is a sum beyond 64 bits; the engine's words end with the addend. */
function asOverflow(error: unknown, data: Fields): unknown {
  if (!isDatabaseError(error) || error.code !== "INVALID_QUERY") return error;
  const sum = SUM.exec(error.cause instanceof Error ? error.cause.message : "");
  if (sum === null) return error;
  const [, addend] = sum;
  const fields = Object.entries(data);
  const [field] = fields.find(([, by]) => String(by) === addend) ?? fields[0] ?? [""];
  return notANumber(field, error.cause);
}
