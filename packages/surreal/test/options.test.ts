import { surreal } from "@db/surreal";
import { describe, expect, test } from "vitest";

const remote = { url: "ws://host:8000", namespace: "n", database: "d" };
const good = { url: "mem://", namespace: "n", database: "d" };

describe("the options of surreal()", () => {
  test.each([
    [{ ...good, url: "ftp://user:secret@host" }, /url: expected ws.*got a url of scheme "ftp"/],
    [{ ...good, url: "ws://user:secret@host" }, /expected no credentials in it \(use authentication\)/],
    [{ ...good, url: "ws://host/#secret" }, /expected no fragment/],
    [{ ...good, url: "ws://" }, /url: expected ws/],
    [{ ...good, authentication: "token" }, /authentication: expected only with a server's url/],
    [
      { ...remote, authentication: { username: "u", password: 31_415 } },
      /authentication.password: expected a non-empty text, got a number/,
    ],
    [{ ...remote, authentication: 31_415 }, /authentication: expected .* got a number/],
    [{ ...remote, authentication: { username: "secret" } }, /authentication: expected \{ username, password \}/],
    [
      { ...remote, authentication: { username: "u", password: "p", database: "d" } },
      /namespace: expected with a database/,
    ],
    [{ ...remote, authentication: { user: "secret", password: "p" } }, /unknown option "user"/],
    [{ ...remote, authentication: "" }, /authentication: expected/],
    [{ ...remote, tls: { rejectUnauthorized: false } }, /tls: expected only with wss or https, got ws/],
    [{ ...remote, url: "wss://host", tls: { pfx: 1 } }, /tls: unknown option "pfx"/],
    [{ ...remote, pool: { max: 1 } }, /pool: unknown option "max"/],
    [{ ...remote, pool: { maxSockets: 0 } }, /pool.maxSockets: expected an integer in 1..1000, got 0/],
    [{ ...remote, pool: { maxSockets: 1, perSocket: 2, min: 3 } }, /pool.min: expected an integer in 0..2/],
    [{ ...remote, pool: { perMessage: 65 } }, /pool.perMessage: expected an integer in 1..64, got 65/],
    [
      { ...remote, url: "https://host", pool: { perMessage: 2 } },
      /pool.perMessage: expected only with ws or wss, got https/,
    ],
    [{ ...remote, pool: { maxWaiting: 0 } }, /maxWaiting: expected/],
    [{ ...remote, heartbeatIntervalMs: 0 }, /heartbeatIntervalMs: expected a number of milliseconds/],
    [{ ...remote, unavailableAfterMs: -1 }, /unavailableAfterMs: expected/],
    [{ ...remote, maxMessageBytes: 10 }, /maxMessageBytes: expected an integer in 1024../],
    [{ ...remote, serverVersions: "three" }, /expected a semver range/],
    [{ ...remote, readUrls: "ws://other" }, /readUrls: expected an array of urls/],
    [{ ...remote, readUrls: ["http://other"] }, /readUrls: expected the scheme of url/],
    [{ ...remote, readUrls: ["mem://"] }, /readUrls: expected ws/],
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
    expect(make).not.toThrow(/secret|31415/);
  });

  test("name the driver", () => {
    expect(surreal(good).name).toBe("mem");
    expect(surreal({ ...good, name: "orders" }).name).toBe("orders");
    expect(surreal(remote).name).toBe("surrealdb");
  });
});
