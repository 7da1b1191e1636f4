import { checkCallOptions } from "./build.ts";
import { DatabaseErrorOf, invalid, toDatabaseError } from "./errors.ts";
import type { Kind, OperationOf, ResultOf } from "./operation.ts";
import type { CallOptions, Statements, TransactionOptions } from "./service.ts";
import { NO_OPTIONS, OperationBuilder, type StatementOptions } from "./statements.ts";

/** What the unscoped service and its scoped views share: each call goes through the one `Database`. */
export abstract class Calls extends OperationBuilder {
  protected abstract override run<K extends Kind>(
    operation: OperationOf<K>,
    options: StatementOptions,
  ): Promise<ResultOf<K>>;

  async transaction<T>(
    work: (tx: Statements) => Promise<T>,
    options: CallOptions & TransactionOptions = NO_OPTIONS,
  ): Promise<T> {
    if (typeof work !== "function") throw invalid(["work"], "type", "a function");
    const checked = checkCallOptions(options, ["signal", "timeoutMs", "maxAttempts"]);
    let result: { readonly value: T } | undefined;
    let own: { readonly thrown: unknown } | undefined;
    const operation: OperationOf<"transaction"> = {
      kind: "transaction",
      work: async (tx) => {
        try {
          result = { value: await work(tx) };
        } catch (thrown) {
          own = { thrown };
          throw thrown;
        }
      },
      options: { maxAttempts: checked.maxAttempts ?? 1 },
    };
    try {
      await this.run(operation, checked);
    } catch (error) {
      // What the work threw goes back as it is; all else is ours to name.
      throw own !== undefined && Object.is(own.thrown, error) ? error : toDatabaseError(error, "unknown");
    }
    if (result === undefined) {
      throw new DatabaseErrorOf("INTERNAL", "a layer ended the transaction without running its work", {});
    }
    return result.value;
  }
}
