import { DatabaseErrorOf } from "@db/core";
import { afterAll, describe, test } from "vitest";
import { describeDriver, MockDatabase, type MockDatabaseOptions } from "../src/index.ts";

const runner = { describe, test, afterAll };

/** `RETURN $value` is all of this language. */
const onQuery: NonNullable<MockDatabaseOptions["onQuery"]> = (text, params) => {
  if (text === "RETURN $value") return [params.value];
  throw new DatabaseErrorOf("INVALID_QUERY", "expected RETURN $value", { expected: "RETURN $value" });
};

describeDriver({
  name: "MockDatabase",
  connect: () => new MockDatabase({ onQuery }),
  capabilities: new MockDatabase({ onQuery }).capabilities,
  runner,
  echo: "RETURN $value",
});

const bare: MockDatabaseOptions = {
  capabilities: { transactions: false, idempotentWrites: false, liveQueries: false, scopes: false },
};

/** A value type of the database's own, as an adapter has it. */
class Money {
  readonly cents: number;

  constructor(cents: number) {
    this.cents = cents;
  }
}

describeDriver({
  name: "MockDatabase without capabilities and with a value type of its own",
  connect: () => Object.assign(new MockDatabase(bare), { ownsValue: (value: object) => value instanceof Money }),
  capabilities: new MockDatabase(bare).capabilities,
  runner,
  ownValues: () => [
    { name: "money", value: new Money(5), equal: (read, written) => read instanceof Money && read === written },
  ],
});

const aboutTime = /timeouts|aborts|deadlines|transaction|concurrency|ledger|lifecycle/;

describeDriver({
  name: "MockDatabase with latency",
  connect: () => new MockDatabase({ latencyMs: 1 }),
  capabilities: new MockDatabase().capabilities,
  runner: {
    ...runner,
    // Where a call is on its way for a while matters to these alone.
    describe: (title, define) =>
      title.startsWith("MockDatabase") || aboutTime.test(title) ? describe(title, define) : undefined,
  },
});
