import { createDatabase } from "@db/core";
import { surreal } from "@db/surreal";
import { Surreal, Table } from "surrealdb";

/** One way to talk to the database, with nothing but defaults, as somebody would who has read its first page. */
export interface FaultClient {
  connect(): Promise<unknown>;
  /** A new record that names the operation. */
  create(operation: string): Promise<unknown>;
  /** One more in the record of this caller. */
  increment(caller: number): Promise<unknown>;
  read(caller: number): Promise<unknown>;
}

export type ClientName = "sdk" | "ours";

export const PLACE = { namespace: "faults", database: "faults" } as const;
export const ROOT = { username: "root", password: "root" } as const;

export const clients: { readonly [name in ClientName]: (url: string) => FaultClient } = {
  sdk(url) {
    const db = new Surreal();
    const orders = new Table("orders");
    return {
      connect: () => db.connect(url, { ...PLACE, authentication: ROOT }),
      create: (operation) => db.create(orders).content({ operation }),
      increment: (caller) => db.query("UPDATE type::record('counters', $key) SET n += 1", { key: `c${caller}` }),
      read: (caller) => db.query("SELECT * FROM ONLY type::record('counters', $key)", { key: `c${caller}` }),
    };
  },
  ours(url) {
    const db = createDatabase({ driver: surreal({ url, ...PLACE, authentication: ROOT } as never) });
    return {
      connect: () => db.connect(),
      create: (operation) => db.create("orders", { operation }),
      increment: (caller) => db.update(`counters:c${caller}`, { n: 1 }, { mode: "increment" }),
      read: (caller) => db.read(`counters:c${caller}`),
    };
  },
};
