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
import type { OperationOf, ResultOf, StatementKind, WriteResult } from "./operation.ts";
import type { Filter, Page, Query } from "./query.ts";
import type {
  CallOptions,
  CreateOptions,
  DeleteOptions,
  QueryOptions,
  Statements,
  UpdateOptions,
  WriteOptions,
} from "./service.ts";
import type { Fields, Patch, Row } from "./value.ts";

const CALL = ["signal", "timeoutMs"];
const WRITE = [...CALL, "operationId", "returning"];
const NONE = {};

/** Turns the calls of `Statements` into operations; who extends it runs them. */
export abstract class OperationBuilder implements Statements {
  /** `build` checks the arguments; what it throws rejects the call. */
  protected abstract start<K extends StatementKind>(
    build: () => OperationOf<K>,
    options: CallOptions & Pick<WriteOptions, "operationId">,
  ): Promise<ResultOf<K>>;

  protected abstract readonly ownsValue: ((value: object) => boolean) | undefined;

  create(collection: string, data: Patch, options: CreateOptions = NONE): Promise<WriteResult> {
    return this.start(() => {
      checkCallOptions(options, [...WRITE, "id"]);
      return buildCreate(collection, data, options, this.ownsValue);
    }, options);
  }

  read(id: string, options: CallOptions = NONE): Promise<Row | undefined> {
    return this.start(() => {
      if (options !== NONE) checkCallOptions(options, CALL);
      return buildRead(id);
    }, options);
  }

  update(id: string, data: Patch, options: UpdateOptions = NONE): Promise<WriteResult> {
    return this.start(() => {
      checkCallOptions(options, [...WRITE, "mode", "expect"]);
      return buildUpdate(id, data, options, this.ownsValue);
    }, options);
  }

  delete(id: string, options: DeleteOptions = NONE): Promise<WriteResult> {
    return this.start(() => {
      checkCallOptions(options, [...WRITE, "expect"]);
      return buildDelete(id, options, this.ownsValue);
    }, options);
  }

  async exists(id: string, options: CallOptions = NONE): Promise<boolean> {
    return (await this.read(id, options)) !== undefined;
  }

  count(collection: string, where?: Filter, options: CallOptions = NONE): Promise<number> {
    return this.start(() => {
      checkCallOptions(options, CALL);
      return buildCount(collection, where);
    }, options);
  }

  find(collection: string, query?: Query, options: CallOptions = NONE): Promise<Page> {
    return this.start(() => {
      checkCallOptions(options, CALL);
      return buildFind(collection, query);
    }, options);
  }

  query<T = unknown>(text: string, params: Fields = NONE, options: QueryOptions = NONE): Promise<readonly T[]> {
    const results = this.start(() => {
      checkCallOptions(options, [...CALL, "access"]);
      return buildQuery(text, params, options, this.ownsValue);
    }, options);
    return results as Promise<readonly T[]>;
  }
}
