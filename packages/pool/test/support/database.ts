import { ConnectionPool, type CreateContext, type PoolOptions } from "../../src/index.ts";

/** A connection as a test sees it. */
export interface Connection {
  readonly id: number;
  /** As the socket's `close` event would tell the pool. */
  readonly die: (error?: unknown) => void;
  closed: boolean;
  dead: boolean;
  /** What a reset would clean up. */
  dirty: boolean;
}

class RefusedError extends Error {
  readonly code = "ECONNREFUSED";
}

/** A database without a network: up or away, fast or slow, and it keeps count. */
export class FakeDatabase {
  up = true;
  connectMs = 0;
  /** What an attempt fails with while the database is away. */
  refusal: Error = new RefusedError("connection refused");
  attempts = 0;
  connecting = 0;
  mostConnecting = 0;
  mostOpen = 0;
  pings = 0;
  readonly attemptTimes: number[] = [];
  readonly connections: Connection[] = [];

  get open(): readonly Connection[] {
    return this.connections.filter(({ closed }) => !closed);
  }

  readonly create = async ({ lost }: CreateContext): Promise<Connection> => {
    this.attempts += 1;
    this.attemptTimes.push(performance.now());
    this.connecting += 1;
    this.mostConnecting = Math.max(this.mostConnecting, this.connecting);
    try {
      if (this.connectMs > 0) await new Promise((resolve) => setTimeout(resolve, this.connectMs));
      if (!this.up) throw this.refusal;
      const id = this.connections.length + 1;
      const connection: Connection = { id, closed: false, dead: false, dirty: false, die: lost };
      this.connections.push(connection);
      this.mostOpen = Math.max(this.mostOpen, this.open.length);
      return connection;
    } finally {
      this.connecting -= 1;
    }
  };

  readonly destroy = (connection: Connection): void => {
    if (connection.closed) throw new Error(`connection ${connection.id} closed twice`);
    connection.closed = true;
  };

  readonly validate = async (connection: Connection): Promise<boolean> => {
    this.pings += 1;
    return this.up && !connection.dead;
  };

  pool(options: Partial<PoolOptions<Connection>> = {}): ConnectionPool<Connection> {
    return new ConnectionPool<Connection>({ create: this.create, destroy: this.destroy, ...options });
  }
}

/** The error of a promise that is to reject. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    (value) => {
      throw new Error(`expected a rejection, got ${String(value)}`);
    },
    (error: Error & { code?: string }) => error,
  );
}

/** What becomes of promises, in the order in which it does. */
export class Ledger {
  readonly events: string[] = [];

  watch(name: string, promise: Promise<unknown>): void {
    promise.then(
      () => this.events.push(name),
      (error: { readonly code?: string }) => this.events.push(`${name} ${error.code ?? "failed"}`),
    );
  }
}

/** Faults that would have ended the process, as long as a test listens. */
export function watchProcess(): { readonly faults: unknown[]; stop(): void } {
  const faults: unknown[] = [];
  const note = (error: unknown): void => {
    faults.push(error);
  };
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  return {
    faults,
    stop: () => {
      process.off("uncaughtException", note);
      process.off("unhandledRejection", note);
    },
  };
}
