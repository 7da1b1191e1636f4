import {
  type CallOptions,
  type CreateOptions,
  copyValue,
  type DeleteOptions,
  type Patch,
  type Query,
  type Row,
  type Statements,
  type StreamOptions,
  stream,
  type UpdateOptions,
  type WriteResult,
} from "@db/core";
import type { RecordIdOf } from "./id.ts";
import type { Model, PatchOf, Stored } from "./model.ts";
import { readAfterWrite } from "./stored.ts";

/** What a repository uses of a database. */
export type RecordStatements = Pick<Statements, "create" | "read" | "update" | "delete" | "find">;

/** What a write came to. */
export interface Written<C extends string> extends Omit<WriteResult, "row"> {
  readonly id: RecordIdOf<C>;
}

/** With the record as it is stored now; after a delete, as it was. */
export interface WrittenRecord<C extends string, Output> extends Written<C> {
  readonly record: Stored<C, Output>;
}

/** A page of records. */
export interface PageOf<T> {
  readonly items: readonly T[];
  /** The cursor of the next page; null where there is none. */
  readonly next: string | null;
}

type Checked<Options, Output> = Omit<Options, "mode" | "expect"> & {
  /** Fields that must be equal now; else PRECONDITION_FAILED. Not validated: a value that cannot be never matches. */
  readonly expect?: PatchOf<Output>;
};
type Returning = { readonly returning: true };

/**
 * The records of one model in one database. Everything is validated before it is written and when it is read; failures
 * are the database's, and VALIDATION_FAILED, and INVALID_RECORD_ID for an id that is not of the collection.
 */
export interface Repository<C extends string, Input, Output> {
  /** The record is what was stored, defaults included. @throws ALREADY_EXISTS */
  create(data: Input, options?: CreateOptions & { readonly id?: RecordIdOf<C> }): Promise<WrittenRecord<C, Output>>;
  /** The record, or undefined. */
  findById(id: RecordIdOf<C>, options?: CallOptions): Promise<Stored<C, Output> | undefined>;
  /** A page of records. @throws INVALID_QUERY */
  findMany(query?: Query, options?: CallOptions): Promise<PageOf<Stored<C, Output>>>;
  /**
   * Checks and merges exactly the fields given, and the model's `onUpdate`. `undefined` takes a field away, or back to
   * its default. @throws NOT_FOUND, PRECONDITION_FAILED
   */
  update(
    id: RecordIdOf<C>,
    patch: PatchOf<Input>,
    options: Checked<UpdateOptions, Output> & Returning,
  ): Promise<WrittenRecord<C, Output>>;
  update(id: RecordIdOf<C>, patch: PatchOf<Input>, options?: Checked<UpdateOptions, Output>): Promise<Written<C>>;
  /** @throws NOT_FOUND, PRECONDITION_FAILED */
  delete(id: RecordIdOf<C>, options: Checked<DeleteOptions, Output> & Returning): Promise<WrittenRecord<C, Output>>;
  delete(id: RecordIdOf<C>, options?: Checked<DeleteOptions, Output>): Promise<Written<C>>;
  /** All records of a query, page after page, in constant memory; see core's `stream`. */
  stream(query?: Omit<Query, "limit">, options?: StreamOptions): AsyncGenerator<Stored<C, Output>, void, undefined>;
}

/**
 * Typed access to the records of a model: checks before every write and on every read.
 * @param db a `DatabaseService`, or the `tx` of a transaction
 */
export function repository<C extends string, Input extends object, Output extends object>(
  db: RecordStatements,
  model: Model<C, Input, Output>,
): Repository<C, Input, Output> {
  return new ModelRepository(db, model);
}

class ModelRepository<C extends string, Input extends object, Output extends object>
  implements Repository<C, Input, Output>
{
  readonly #db: RecordStatements;
  readonly #model: Model<C, Input, Output>;

  constructor(db: RecordStatements, model: Model<C, Input, Output>) {
    this.#db = db;
    this.#model = model;
  }

  async create(data: Input, options: CreateOptions = {}): Promise<WrittenRecord<C, Output>> {
    if (options.id !== undefined) this.#model.Id.parse(options.id);
    const fields = this.#model.parse(data);
    const { row, ...written } = await this.#db.create(this.#model.collection, toPatch(fields), options);
    const id = this.#model.Id.parse(written.id);
    return { ...written, id, record: row === undefined ? { id, ...copyValue(fields) } : this.#parseWritten(row) };
  }

  async findById(id: RecordIdOf<C>, options: CallOptions = {}): Promise<Stored<C, Output> | undefined> {
    const row = await this.#db.read(this.#model.Id.parse(id), options);
    return row === undefined ? undefined : this.#model.parseStored(row);
  }

  async findMany(query: Query = {}, options: CallOptions = {}): Promise<PageOf<Stored<C, Output>>> {
    const page = await this.#db.find(this.#model.collection, query, options);
    return { items: page.items.map((row) => this.#model.parseStored(row)), next: page.next };
  }

  async update(
    id: RecordIdOf<C>,
    patch: PatchOf<Input>,
    options: Checked<UpdateOptions, Output> = {},
  ): Promise<WrittenRecord<C, Output>> {
    this.#model.Id.parse(id);
    const fields = this.#model.parsePatch(patch);
    return this.#written(id, await this.#db.update(id, toPatch(fields), options as UpdateOptions));
  }

  async delete(id: RecordIdOf<C>, options: Checked<DeleteOptions, Output> = {}): Promise<WrittenRecord<C, Output>> {
    return this.#written(id, await this.#db.delete(this.#model.Id.parse(id), options as DeleteOptions));
  }

  async *stream(
    query: Omit<Query, "limit"> = {},
    options: StreamOptions = {},
  ): AsyncGenerator<Stored<C, Output>, void, undefined> {
    for await (const row of stream(this.#db, this.#model.collection, query, options))
      yield this.#model.parseStored(row);
  }

  /** The overloads promise a record only to those who asked for one. */
  #written(id: RecordIdOf<C>, { row, ...written }: WriteResult): WrittenRecord<C, Output> {
    const record = row === undefined ? {} : { record: this.#parseWritten(row) };
    return { ...written, id, ...record } as WrittenRecord<C, Output>;
  }

  #parseWritten(row: Row): Stored<C, Output> {
    return readAfterWrite(() => this.#model.parseStored(row));
  }
}

/** A schema may make what cannot be stored; core checks that at run time, path by path. */
function toPatch(fields: object): Patch {
  return fields as Patch;
}
