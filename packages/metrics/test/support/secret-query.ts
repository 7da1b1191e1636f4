import fc from "fast-check";

/** A SurrealQL text with the literals that are in it. */
export interface SecretQuery {
  readonly text: string;
  readonly secrets: readonly string[];
}

/** Words that stand nowhere but in literals. */
const word = fc.stringMatching(/^zq[b-y]{4,8}qz$/);
const digits = fc.stringMatching(/^[1-9]\d{4,9}$/);
const plain = (text: string): SecretQuery => ({ text, secrets: [] });
const secret = (text: string, ...secrets: string[]): SecretQuery => ({ text, secrets });

/** What may stand in a quoted literal beside the secret. */
const noise = fc.constantFrom(
  "",
  " ",
  "\n",
  "-- ",
  "/* ",
  "*/",
  "//",
  "/",
  "#",
  ":",
  "note:",
  "`",
  "⟨",
  "é",
  "\\\\",
  "{",
  "]",
  "??",
);
const quoted = (quote: string): fc.Arbitrary<SecretQuery> =>
  fc.tuple(noise, word, noise, word).map(([before, one, between, two]) => {
    const escaped = (text: string): string => text.replaceAll(quote, `\\${quote}`);
    return secret(`${quote}${escaped(before)}${one}\\${quote}${escaped(between)}${two}${quote}`, one, two);
  });
const regex = fc
  .tuple(fc.constantFrom("", "'", '"', "`", "[a-z]+", "\\/", "--", " "), word, fc.constantFrom("", "\\/", "'", "$"))
  .map(([before, one, after]) => secret(`/x${before}${one}${after}/`, one));
const number = fc
  .tuple(digits, fc.constantFrom("", ".5", "f", "dec", "e5", "e-7", "h", "h30m", "µs", "y2w"))
  .map(([value, suffix]) => secret(value + suffix, value));
const prefixed = fc
  .tuple(fc.constantFrom("d", "u", "r", "s", "b", "f"), fc.oneof(quoted("'"), quoted('"')))
  .map(([prefix, { text, secrets }]) => secret(prefix + text, ...secrets));
const table = fc.constantFrom("note", "person", "`my table`", "⟨odd name⟩", "value", "t1");

const literal: fc.Arbitrary<SecretQuery> = fc.oneof(quoted("'"), quoted('"'), prefixed, number, regex);
const key: fc.Arbitrary<SecretQuery> = fc.oneof(
  word.map((one) => secret(one, one)),
  number.filter(({ text }) => /^\d+$/.test(text)),
  fc.tuple(fc.constantFrom("⟨ ⟩", "` `"), word).map(([quotes, one]) => secret(quotes.replace(" ", `${one} `), one)),
  fc.array(literal, { minLength: 1, maxLength: 3 }).map((parts) => around("[", parts, "]")),
  fc.array(literal, { minLength: 1, maxLength: 2 }).map((parts) => around("{ a: ", parts, " }", ", b: ")),
);
const recordId = fc
  .tuple(table, key, fc.option(fc.tuple(fc.constantFrom("..", "..=", ">.."), key)))
  .map(([name, first, range]) => {
    const end = range === null ? plain("") : { text: range[0] + range[1].text, secrets: range[1].secrets };
    return { text: `${name}:${first.text}${end.text}`, secrets: [...first.secrets, ...end.secrets] };
  });

function around(open: string, parts: readonly SecretQuery[], close: string, comma = ", "): SecretQuery {
  return {
    text: open + parts.map(({ text }) => text).join(comma) + close,
    secrets: parts.flatMap(({ secrets }) => secrets),
  };
}

const safe = fc
  .constantFrom(
    "$param",
    "field",
    "a.b.c",
    "NONE",
    "NULL",
    "count()",
    "time::now()",
    "(SELECT * FROM note)",
    "->likes->note",
  )
  .map(plain);
const { expression } = fc.letrec<{ expression: SecretQuery }>((tie) => ({
  expression: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    literal,
    recordId,
    safe,
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => around("(", [a, b], ")", " + ")),
    fc.array(tie("expression"), { maxLength: 3 }).map((parts) => around("[", parts, "]")),
    fc.array(tie("expression"), { minLength: 1, maxLength: 3 }).map((parts) => around("{ a: ", parts, " }", ", b: ")),
    fc
      .tuple(
        tie("expression"),
        fc.constantFrom(" = ", " ?? ", " ?: ", " AND ", " IN ", " CONTAINS ", " > ", " * "),
        tie("expression"),
      )
      .map(([a, operator, b]) => around("", [a, b], "", operator)),
  ),
}));

const comment = fc
  .tuple(fc.constantFrom("-- @\n", "# @\n", "// @\n", "/* @ */", "/* ' @ */"), word)
  .map(([form, one]) => secret(` ${form.replace("@", one)} `, one));
const clause = fc
  .tuple(
    fc.constantFrom(
      "SELECT * FROM note WHERE ",
      "UPDATE note SET a = ",
      "RETURN ",
      "CREATE note CONTENT ",
      "LET $x = ",
      "DELETE ",
      "select value ",
      "IF ",
    ),
    expression,
  )
  .map(([start, end]) => ({ ...end, text: start + end.text }));

export const secretQuery: fc.Arbitrary<SecretQuery> = fc
  .array(fc.oneof({ weight: 4, arbitrary: clause }, { weight: 1, arbitrary: comment }), { minLength: 1, maxLength: 4 })
  .map((parts) => around("", parts, "", ";"));
