import {
  buildCount,
  buildCreate,
  buildDelete,
  buildFind,
  buildQuery,
  buildRead,
  buildUpdate,
  checkCallOptions,
} from "./build.ts";
import type { Filter } from "./filter.ts";
import type { OperationOf, ResultOf, StatementKind, WriteResult } from "./operation.ts";
import type { Page, Query } from "./query.ts";
import type {
  CallOptions,
  CreateOptions,
  DeleteOptions,
  QueryOptions,
  Statements,
  UpdateOptions,
  WriteOptions,
} from "./service.ts";
import type { Fields, Owns, Patch, Row } from "./value.ts";

export type StatementOptions = CallOptions & Pick<WriteOptions, "operationId" | "fingerprint">;

const CALL = ["signal", "timeoutMs"];
const WRITE = [...CALL, "operationId", "fingerprint", "returning"];
const CREATE = [...WRITE, "id"];
const UPDATE = [...WRITE, "mode", "expect"];
const DELETE = [...WRITE, "expect"];
const QUERY = [...CALL, "access"];
export const NO_OPTIONS: object = Object.freeze({});

type Build<K extends StatementKind, A, B, O> = (first: A, second: B, options: O, owns: Owns) => OperationOf<K>;

/** Turns the calls of `Statements` into operations; who extends it runs them. */
export abstract class OperationBuilder implements Statements {
  protected abstract readonly ownsValue: Owns;

  protected abstract run<K extends StatementKind>(
    operation: OperationOf<K>,
    options: StatementOptions,
  ): Promise<ResultOf<K>>;

  create(collection: string, data: Patch, options: CreateOptions = NO_OPTIONS): Promise<WriteResult> {
    return this.#start(buildCreate, CREATE, collection, data, options);
  }

  read(id: string, options: CallOptions = NO_OPTIONS): Promise<Row | undefined> {
    return this.#start(buildRead, CALL, id, undefined, options);
  }

  update(id: string, data: Patch, options: UpdateOptions = NO_OPTIONS): Promise<WriteResult> {
    return this.#start(buildUpdate, UPDATE, id, data, options);
  }

  delete(id: string, options: DeleteOptions = NO_OPTIONS): Promise<WriteResult> {
    return this.#start(buildDelete, DELETE, id, undefined, options);
  }

  async exists(id: string, options: CallOptions = NO_OPTIONS): Promise<boolean> {
    return (await this.read(id, options)) !== undefined;
  }

  count(collection: string, where?: Filter, options: CallOptions = NO_OPTIONS): Promise<number> {
    return this.#start(buildCount, CALL, collection, where, options);
  }

  find(collection: string, query?: Query, options: CallOptions = NO_OPTIONS): Promise<Page> {
    return this.#start(buildFind, CALL, collection, query, options);
  }

  query<T = unknown>(
    text: string,
    params: Fields = NO_OPTIONS as Fields,
    options: QueryOptions = NO_OPTIONS,
  ): Promise<readonly T[]> {
    return this.#start(buildQuery, QUERY, text, params, options) as Promise<readonly T[]>;
  }

  #start<K extends StatementKind, A, B, O extends StatementOptions>(
    build: Build<K, A, B, O>,
    known: readonly string[],
    first: A,
    second: B,
    options: O,
  ): Promise<ResultOf<K>> {
    try {
      const checked = options === NO_OPTIONS ? options : checkCallOptions(options, known);
      return this.run(build(first, second, checked, this.ownsValue), checked);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
