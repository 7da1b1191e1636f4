import { EventEmitter } from "node:events";
import { ConnectionPool } from "@db/pool";
import genericPool from "generic-pool";
import { createPool as createLightningPool } from "lightning-pool";
import PgPool from "pg-pool";
import { Pool as TarnPool } from "tarn";

interface BenchOptions {
  readonly max: number;
  readonly timeoutMs: number;
  readonly create: () => Promise<object>;
}

/** What all pools have in common. */
interface BenchPool {
  readonly acquire: () => Promise<unknown>;
  readonly release: (acquired: never) => void;
  readonly close: () => Promise<unknown>;
}

export interface Peer {
  readonly name: string;
  readonly make: (options: BenchOptions) => BenchPool;
}

/** What no scenario comes near to. */
const MANY = 1_000_000;

export const ours: Peer = {
  name: "@db/pool",
  make: ({ max, timeoutMs, create }) => {
    const pool = new ConnectionPool({ max, acquireTimeoutMs: timeoutMs, maxWaiting: MANY, create, destroy: () => {} });
    return {
      acquire: () => pool.acquire(),
      release: (lease: { release(): void }) => lease.release(),
      close: () => pool.close({ deadlineMs: 0 }),
    };
  },
};

export const oursShedding: Peer = {
  name: "@db/pool, shed",
  make: ({ max, timeoutMs, create }) => {
    const options = { max, acquireTimeoutMs: timeoutMs, maxWaiting: MANY, shed: {} };
    const pool = new ConnectionPool({ ...options, create, destroy: () => {} });
    return {
      acquire: () => pool.acquire(),
      release: (lease: { release(): void }) => lease.release(),
      close: () => pool.close({ deadlineMs: 0 }),
    };
  },
};

const tarn: Peer = {
  name: "tarn",
  make: ({ max, timeoutMs, create }) => {
    const pool = new TarnPool<object>({
      min: 0,
      max,
      acquireTimeoutMillis: timeoutMs,
      create,
      destroy: () => {},
      propagateCreateError: false,
    });
    return {
      acquire: () => pool.acquire().promise,
      release: (connection: object) => pool.release(connection),
      close: () => pool.destroy(),
    };
  },
};

const generic: Peer = {
  name: "generic-pool",
  make: ({ max, timeoutMs, create }) => {
    const options = { min: 0, max, acquireTimeoutMillis: timeoutMs };
    const pool = genericPool.createPool<object>({ create, destroy: async () => {} }, options);
    pool.on("factoryCreateError", () => {});
    return {
      acquire: async () => pool.acquire(),
      release: (connection: object) => {
        pool.release(connection).catch(() => {});
      },
      close: async () => pool.clear(),
    };
  },
};

const lightning: Peer = {
  name: "lightning-pool",
  make: ({ max, timeoutMs, create }) => {
    const options = { min: 0, max, minIdle: 0, acquireTimeoutMillis: timeoutMs, maxQueue: MANY };
    const pool = createLightningPool<object>({ create, destroy: async () => {} }, options);
    pool.on("create-error", () => {});
    return {
      acquire: () => pool.acquire(),
      release: (connection: object) => {
        pool.release(connection);
      },
      // Never settles after a mass expiry, so nobody waits for it.
      close: async () => {
        pool.closeAsync(true).catch(() => {});
      },
    };
  },
};

const pg: Peer = {
  name: "pg-pool (fake client)",
  make: ({ max, timeoutMs, create }) => {
    class Client extends EventEmitter {
      connect(done: (error?: unknown) => void): void {
        create().then(
          () => done(),
          (error: unknown) => done(error),
        );
      }
      end(done?: () => void): void {
        done?.();
      }
    }
    const pool = new PgPool({ Client, max, connectionTimeoutMillis: timeoutMs, idleTimeoutMillis: 0 });
    pool.on("error", () => {});
    return {
      acquire: () => pool.connect(),
      release: (client: { release(): void }) => client.release(),
      close: () => pool.end(),
    };
  },
};

export const peers: readonly Peer[] = [tarn, generic, lightning, pg];
