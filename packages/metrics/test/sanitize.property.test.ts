import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sanitizeQuery } from "../src/index.ts";
import { secretQuery } from "./support/secret-query.ts";

/** All of them in `npm run test:full`. */
const isFull = process.env.DB_TEST_SIZE === "full";
const runs = isFull ? 100_000 : 2_000;
const limits = { timeout: isFull ? 600_000 : 60_000 };

describe("of any query", () => {
  test("no byte of a literal survives, whatever stands around it", limits, () => {
    fc.assert(
      fc.property(secretQuery, ({ text, secrets }) => {
        const sanitized = sanitizeQuery(text);
        for (const secret of secrets) expect(sanitized).not.toContain(secret);
        expect(sanitized).not.toMatch(/['"]/);
        expect(sanitized.replaceAll(/[$A-Za-z_`⟨][\w ]*/g, "")).not.toMatch(/\d/);
      }),
      { numRuns: runs },
    );
  });

  test("doing it again changes nothing", limits, () => {
    fc.assert(
      fc.property(secretQuery, ({ text }) => {
        const once = sanitizeQuery(text);
        expect(sanitizeQuery(once)).toBe(once);
      }),
      { numRuns: runs },
    );
  });
});

/** Not SurrealQL at all, but made of its pieces. */
const soup = fc
  .array(
    fc.constantFrom(
      ..."'\"`⟨⟩/\\?:;.,(){}[]<>=$-#*+|@~!é \n\u0000".split(""),
      ..."a note 1 value select ?? ?: ?. .. ..= >.. :: -> /* */ -- // note: d' true $x 1h \\' \\/ 😀".split(" "),
    ),
    { maxLength: 40 },
  )
  .map((pieces) => pieces.join(""));

describe("of any text", () => {
  test("no quote and no digit outside of a name survives", limits, () => {
    fc.assert(
      fc.property(soup, (text) => {
        const sanitized = sanitizeQuery(text);
        expect(sanitized).not.toMatch(/['"é]/);
        expect(sanitized.replaceAll(/[$A-Za-z_`⟨][\w ]*/g, "")).not.toMatch(/\d/);
      }),
      { numRuns: runs },
    );
  });

  test("doing it again changes nothing", limits, () => {
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: "binary", maxLength: 60 })), (text) => {
        const once = sanitizeQuery(text);
        expect(sanitizeQuery(once)).toBe(once);
      }),
      { numRuns: runs },
    );
  });
});
