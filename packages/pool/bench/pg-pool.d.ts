declare module "pg-pool" {
  import type { EventEmitter } from "node:events";

  export interface PoolClient {
    release(error?: Error): void;
  }
  export default class Pool extends EventEmitter {
    constructor(options: {
      readonly Client: unknown;
      readonly max: number;
      readonly connectionTimeoutMillis: number;
      readonly idleTimeoutMillis: number;
    });
    connect(): Promise<PoolClient>;
    end(): Promise<void>;
  }
}
