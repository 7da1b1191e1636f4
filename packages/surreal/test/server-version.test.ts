import { expect, test } from "vitest";
import { SURREAL_2, SURREAL_3, SURREAL_3_OTHER } from "../src/dialect.ts";
import { ServerVersions } from "../src/server-version.ts";

const versions = new ServerVersions(">=2.1.0 <4.0.0");

test.each([
  ["surrealdb-3.0.2", { sessions: true, transactions: true, live: true, dialect: SURREAL_3 }],
  ["surrealdb-3.0.5", { sessions: true, transactions: true, live: true, dialect: SURREAL_3 }],
  ["surrealdb-3.0.1", { sessions: true, transactions: true, live: true, dialect: SURREAL_3_OTHER }],
  ["surrealdb-3.1.0", { sessions: true, transactions: true, live: true, dialect: SURREAL_3_OTHER }],
  ["surrealdb-2.6.5", { sessions: false, transactions: false, live: false, dialect: SURREAL_2 }],
])("%s can do what it can", (reported, features) => {
  expect(versions.check(reported)).toEqual({ version: reported, ...features });
});

test.each(["surrealdb-2.0.4", "surrealdb-4.0.0", "surrealdb-4.0.0-beta.1", "surrealdb-3.0.0-alpha.1", "nightly", ""])(
  "%s is UNSUPPORTED_VERSION",
  (reported) => {
    expect(() => versions.check(reported)).toThrow(
      expect.objectContaining({ code: "UNSUPPORTED_VERSION", retryable: false }),
    );
  },
);
