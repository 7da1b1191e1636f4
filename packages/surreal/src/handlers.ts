import {
  type CallContext,
  DatabaseErrorOf,
  type Fields,
  type Handlers,
  isDatabaseError,
  type OperationOf,
  pageOf,
  type StatementKind,
  type WriteKind,
  type WriteResult,
} from "@db/core";
import { isMissingTable } from "./errors.ts";
import { countText, findText, rowIn, type Statement } from "./find-text.ts";
import { earlierResult, type Ledger } from "./ledger.ts";
import { type LedgerRow, ledgeredText } from "./ledger-text.ts";
import { recordOf, rowOf, withId, withNumbers } from "./row.ts";
import type { Session } from "./session.ts";
import type { Release } from "./turnstile.ts";
import { createText, deleteText, MISMATCH, NOT_A_NUMBER, updateText } from "./write-text.ts";

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
    statement: Statement,
    context: CallContext,
    lock: () => Release | Promise<Release>,
  ): Promise<Written> => {
    if (context.ledger) await ledger.ready(context);
    const held = lock();
    const onDone = held instanceof Promise ? await held : held;
    const asked = { effect: "unknown", id: operation.id, onDone } as const;
    if (!context.ledger) return [await session.ask(statement, context, asked)];
    return (await session.ask(ledgeredText(operation, statement, context), context, asked)) as Written;
  };
  const change = async (operation: Change, statement: Statement, context: CallContext): Promise<WriteResult> => {
    const lock = (): Release | Promise<Release> => locks.record(operation.id, context);
    const [answer, known] = (await write(operation, statement, context, lock).catch(missingTable)) ?? [];
    return known === undefined ? resultOf(operation, answer, context) : earlierResult(known, context);
  };

  return {
    async create(operation, context) {
      const lock = (): Release | Promise<Release> => locks.create(operation, context);
      const [row, known] = await write(operation, createText(operation), context, lock);
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
    async read({ id }, context) {
      const statement = { text: "SELECT * FROM ONLY $_id", values: { _id: recordOf(id) } };
      const row = await reads.ask(statement, context, { effect: "none", id }).catch(missingTable);
      return row === undefined ? undefined : withId(row, id);
    },
    update: (operation, context) =>
      change(operation, updateText(operation), context).catch((error: unknown) => {
        throw operation.mode === "increment" ? asOverflow(error, operation.data) : error;
      }),
    delete: (operation, context) => change(operation, deleteText(operation), context),
    async find(operation, context) {
      const found = await reads.ask(findText(operation), context, { effect: "none" }).catch(missingTable);
      const rows = (found as readonly unknown[] | undefined) ?? [];
      const ordered = operation.query.order.length > 1;
      const plain = ordered ? rows.map(rowIn) : rows;
      return pageOf(operation.collection, operation.query, plain.map(rowOf), withNumbers);
    },
    async count(operation, context) {
      const found = await reads.ask(countText(operation), context, { effect: "none" }).catch(missingTable);
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

function missingTable(error: unknown): undefined {
  if (isMissingTable(error)) return undefined;
  throw error;
}

function resultOf(operation: Change, answer: unknown, context: CallContext): WriteResult {
  const { id, returning } = operation;
  if (typeof answer === "object" && answer !== null) {
    const row = operation.kind === "delete" ? answer : (answer as { readonly row: unknown }).row;
    return {
      id,
      operationId: context.operationId,
      status: "committed",
      ...(returning ? { row: withId(row, id) } : {}),
    };
  }
  if (answer === MISMATCH) throw new DatabaseErrorOf("PRECONDITION_FAILED", "a field is not as expected", { id });
  if (typeof answer === "number" && answer >= NOT_A_NUMBER && operation.kind === "update") {
    throw notANumber(Object.keys(operation.data)[answer - NOT_A_NUMBER] ?? "");
  }
  throw new DatabaseErrorOf("NOT_FOUND", "no record of this id exists", { id });
}

function notANumber(field: string, cause?: unknown): DatabaseErrorOf<"FIELD_VIOLATION"> {
  return new DatabaseErrorOf("FIELD_VIOLATION", `the field ${field} cannot be incremented`, { field }, { cause });
}

/** The one way an increment's own text can be refused is a sum beyond 64 bits; the engine's words end with the addend. */
function asOverflow(error: unknown, data: Fields): unknown {
  if (!isDatabaseError(error) || error.code !== "INVALID_QUERY") return error;
  const addend = /'(-?\d+)'$/.exec(error.cause instanceof Error ? error.cause.message : "")?.[1];
  const fields = Object.entries(data);
  const [field] = fields.find(([, by]) => String(by) === addend) ?? fields[0] ?? [""];
  return notANumber(field, error.cause);
}
