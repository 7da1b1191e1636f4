import { Calls } from "./calls.ts";
import type { ContextChange } from "./context.ts";
import type { LiveEvent, LiveOptions } from "./live.ts";
import type { Kind, OperationOf, ResultOf } from "./operation.ts";
import type { CallOptions, ScopedService } from "./service.ts";
import { NO_OPTIONS, type StatementOptions } from "./statements.ts";
import type { Owns } from "./value.ts";

/** What a view asks of the service it belongs to. */
export interface ScopeHost {
  readonly ownsValue: Owns;
  runWith<K extends Kind>(
    operation: OperationOf<K>,
    options: StatementOptions,
    facts: ContextChange,
  ): Promise<ResultOf<K>>;
  wasAppliedWith(operationId: string, options: CallOptions, facts: ContextChange): Promise<boolean>;
  liveWith(collection: string, options: LiveOptions, facts: ContextChange): AsyncIterable<LiveEvent>;
}

/** A view of a service for one tenant. */
export class Scoped extends Calls implements ScopedService {
  readonly #host: ScopeHost;
  readonly #facts: ContextChange;

  constructor(host: ScopeHost, facts: ContextChange) {
    super();
    this.#host = host;
    this.#facts = facts;
  }

  protected override get ownsValue(): Owns {
    return this.#host.ownsValue;
  }

  protected override run<K extends Kind>(operation: OperationOf<K>, options: StatementOptions): Promise<ResultOf<K>> {
    return this.#host.runWith(operation, options, this.#facts);
  }

  wasApplied(operationId: string, options: CallOptions = NO_OPTIONS): Promise<boolean> {
    return this.#host.wasAppliedWith(operationId, options, this.#facts);
  }

  live(collection: string, options: LiveOptions = NO_OPTIONS): AsyncIterable<LiveEvent> {
    return this.#host.liveWith(collection, options, this.#facts);
  }
}
