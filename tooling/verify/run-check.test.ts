import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { type Check, holds } from "./check.ts";
import { checks } from "./checks.ts";
import { readOptions } from "./options.ts";
import { runCheck } from "./run-check.ts";
import { formatTable, verdict } from "./table.ts";

const never = new AbortController().signal;
const options = { signal: never, limitMs: 5_000, progress: () => {} };
const check = (run: Check["run"]): Check => ({ name: "one", about: "a check", run });

test("a check holds when every claim of it does", async () => {
  const good = await runCheck(
    check(async ({ claim, atMost }) => {
      claim("it is there", true, "here");
      atMost("it takes", 7.25, 8, "ms");
    }),
    options,
  );
  expect(good.claims).toEqual([
    { what: "it is there", measured: "here", holds: true },
    { what: "it takes ≤ 8 ms", measured: "7.3 ms", holds: true },
  ]);
  expect(holds(good)).toBe(true);
  const late = await runCheck(
    check(async ({ claim, atMost }) => {
      claim("it is there", true, "here");
      atMost("it takes", 9, 8, "ms");
    }),
    options,
  );
  expect(holds(late)).toBe(false);
});

test.each<[string, Check["run"], RegExp]>([
  ["claims nothing", async () => {}, /nothing was checked/],
  ["throws", () => Promise.reject(new Error("no engine")), /Error: no engine/],
  ["never ends", () => new Promise(() => {}), /TimeoutError/],
])("a check that %s does not hold", async (_name, run, measured) => {
  const result = await runCheck(check(run), { ...options, limitMs: 50 });
  expect(holds(result)).toBe(false);
  expect(result.claims.at(-1)?.measured).toMatch(measured);
});

test("whatever a check opened is closed when it fails, and a fault of that is told", async () => {
  let folder = "";
  const result = await runCheck(
    check(async (_claims, ground) => {
      folder = await ground.folder();
      ground.defer(() => Promise.reject(new Error("still in use")));
      throw new Error("half-way");
    }),
    options,
  );
  expect(folder).not.toBe("");
  expect(existsSync(folder)).toBe(false);
  expect(result.claims.map(({ measured }) => measured)).toEqual(["Error: half-way", "Error: still in use"]);
});

test("the table has a line for each claim, and the verdict names what does not hold", () => {
  const results = [
    { name: "good", durationMs: 1_000, claims: [{ what: "a", measured: "1", holds: true }] },
    {
      name: "bad",
      durationMs: 2_000,
      claims: [
        { what: "b", measured: "2", holds: true },
        { what: "c", measured: "3", holds: false },
      ],
    },
  ];
  expect(formatTable(results).split("\n")).toEqual([
    "check  what was checked  measured",
    "good   a                 1         ok",
    "bad    b                 2         ok",
    "       c                 3         FAILED",
  ]);
  expect(verdict(results)).toBe("2 checks, 3 claims, 3 s: these do not hold: bad");
  expect(verdict(results.slice(0, 1))).toBe("1 checks, 1 claims, 1 s: all hold");
});

test("options choose checks; an unknown one is named with what was expected", () => {
  expect(readOptions([], checks)?.checks).toEqual(checks);
  const chosen = readOptions(["--only", "load", "--only=health", "--json"], checks);
  expect(chosen?.checks.map(({ name }) => name)).toEqual(["health", "load"]);
  expect(chosen?.json).toBe(true);
  expect(readOptions(["--help"], checks)).toBeUndefined();
  expect(() => readOptions(["--only", "speed"], checks)).toThrow(/expected one of connect, .*load, got "speed"/);
  expect(() => readOptions(["--fast"], checks)).toThrow(/--fast/);
});
