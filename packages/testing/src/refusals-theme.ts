import assert from "node:assert/strict";
import type { Statements } from "@db/core";
import { isStored, rejects } from "./assertions.ts";
import type { Theme } from "./conformance-case.ts";
import { asksForLedger } from "./ledger-theme.ts";
import { scoped } from "./tenants.ts";

const withoutTransactions: Theme = {
  name: "no transactions",
  lacks: "transactions",
  cases: {
    "a transaction is UNSUPPORTED and its work never runs": async ({ db, collection }) => {
      const work = async (tx: Statements): Promise<never> => {
        await tx.create(collection, {});
        return assert.fail("work must not run");
      };
      await rejects(db.transaction(work), "UNSUPPORTED");
      assert.equal(await db.count(collection), 0);
    },
  },
};

const withoutScopes: Theme = {
  name: "no scopes",
  lacks: "scopes",
  cases: {
    "a call in a scope is UNSUPPORTED and touches no other scope": async (context) => {
      const { db, collection } = context;
      const [one] = scoped(context);
      const { id } = await db.create(collection, { n: 1 });
      await rejects(one.create(collection, {}), "UNSUPPORTED");
      await rejects(one.read(id), "UNSUPPORTED");
      await rejects(one.update(id, { n: 2 }), "UNSUPPORTED");
      await rejects(one.delete(id), "UNSUPPORTED");
      await rejects(one.find(collection), "UNSUPPORTED");
      await rejects(one.count(collection), "UNSUPPORTED");
      await isStored(db, id, { n: 1 });
      assert.equal(await db.count(collection), 1);
    },
  },
};

const withoutQueries: Theme = {
  name: "no query language",
  lacks: "queryLanguage",
  cases: {
    "query is UNSUPPORTED": async ({ db }) => {
      await rejects(db.query("SELECT 1", {}, { access: "read" }), "UNSUPPORTED");
      await rejects(db.query("SELECT 1"), "UNSUPPORTED");
    },
  },
};

const withoutLive: Theme = {
  name: "no live queries",
  lacks: "liveQueries",
  cases: {
    "a live query is UNSUPPORTED": async ({ db, collection }) => {
      await rejects(Promise.resolve(db.live(collection)[Symbol.asyncIterator]().next()), "UNSUPPORTED");
    },
  },
};

const withoutLedger: Theme = {
  name: "no ledger",
  lacks: "idempotentWrites",
  cases: {
    "a look into the ledger is UNSUPPORTED": async ({ db }) => {
      await rejects(db.wasApplied("some-operation"), "UNSUPPORTED");
    },

    "a write that asks for a ledger is UNSUPPORTED and not carried out": async ({ facade, collection, db }) => {
      await rejects(facade({ layers: [asksForLedger] }).create(collection, {}), "UNSUPPORTED");
      assert.equal(await db.count(collection), 0);
    },
  },
};

/** What a driver cannot do it refuses: nothing is ignored in silence. */
export const refusals: readonly Theme[] = [
  withoutTransactions,
  withoutScopes,
  withoutQueries,
  withoutLive,
  withoutLedger,
];
