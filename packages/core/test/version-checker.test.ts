import { describe, expect, test } from "vitest";
import { VersionChecker } from "../src/index.ts";

describe("a reported version", () => {
  const checker = new VersionChecker({ range: ">=2.1 <4", tested: ["3.0.2", "~3.1"] });

  test.each<[string, string, string | undefined]>([
    ["3.0.2", "tested", "3.0.2"],
    ["3.1.9", "tested", "3.1.9"],
    ["3.0.3", "untested", "3.0.3"],
    ["2.0.9", "unsupported", "2.0.9"],
    ["4.0.0", "unsupported", "4.0.0"],
    ["surrealdb-3.0.2", "tested", "3.0.2"],
    ["surrealdb 3.0.2", "tested", "3.0.2"],
    ["v3.0.2", "tested", "3.0.2"],
    ["V3.0.2", "tested", "3.0.2"],
    ["surrealdb-v3.0.2", "tested", "3.0.2"],
    ["PostgreSQL 3.1 on x86_64", "tested", "3.1.0"],
    ["  3.0.2\n", "tested", "3.0.2"],
    ["3.0.2+20260101.abc", "tested", "3.0.2"],
    ["3.1", "tested", "3.1.0"],
    ["3.2.0-beta.1", "unsupported", "3.2.0-beta.1"],
    ["surrealdb-3.2.0-nightly.20260101", "unsupported", "3.2.0-nightly.20260101"],
    ["nightly", "unknown", undefined],
    ["3", "unknown", undefined],
    ["3.0.2.1", "unknown", undefined],
    ["3.0.x", "unknown", undefined],
    ["03.0.2", "unknown", undefined],
    ["17beta1", "unknown", undefined],
    ["", "unknown", undefined],
    [" ", "unknown", undefined],
    ["version three", "unknown", undefined],
    [`3.0.${"9".repeat(400)}`, "unknown", undefined],
  ])("%o is %s", (reported, verdict, version) => {
    expect(checker.check(reported)).toEqual({ verdict, reported, version });
  });

  test("a prerelease counts only where it is allowed", () => {
    const daring = new VersionChecker({ range: ">=3", tested: ["3.2.0-beta.1"], allowPrerelease: true });
    expect(daring.check("3.2.0-beta.1").verdict).toBe("tested");
    expect(daring.check("3.2.0-beta.2").verdict).toBe("untested");
    expect(daring.check("2.9.9-alpha").verdict).toBe("unsupported");
  });

  test("nothing is tested unless that is said", () => {
    const checking = new VersionChecker({ range: "^3" });
    expect(checking.check("3.5.0").verdict).toBe("untested");
    expect(checking.range).toBe("^3");
  });

  test("a long text of no version is refused in no time", () => {
    const start = performance.now();
    expect(checker.check(`${"a".repeat(200_000)} 1`).verdict).toBe("unknown");
    expect(checker.check(`1.${"1-".repeat(100_000)}!`).verdict).toBe("unknown");
    expect(performance.now() - start).toBeLessThan(500);
  });
});
