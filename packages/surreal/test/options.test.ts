import { surreal } from "@db/surreal";
import { describe, expect, test } from "vitest";

const good = { url: "mem://", namespace: "n", database: "d" };

describe("the options of surreal()", () => {
  test.each([
    [{ ...good, url: "ws://user:secret@host" }, /url: expected no credentials/],
    [{ ...good, url: "rocksdb://" }, /url/],
    [{ ...good, url: "notes" }, /a text without a scheme/],
    [{ ...good, url: 7 }, /got 7 \(number\)/],
    [{ ...good, namespace: "" }, /namespace: expected a non-empty text/],
    [{ ...good, database: undefined }, /database: expected a non-empty text, got undefined/],
    [{ ...good, nameSpace: "n" }, /unknown option "nameSpace"/],
  ])("are checked at once: %j", (options, message) => {
    const make = (): unknown => surreal(options as typeof good);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
    expect(make).not.toThrow(/secret/);
  });

  test("name the driver", () => {
    expect(surreal(good).name).toBe("mem");
    expect(surreal({ ...good, name: "orders" }).name).toBe("orders");
  });
});
