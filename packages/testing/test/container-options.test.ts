import { expect, test } from "vitest";
import { checkContainer, OFFICIAL_IMAGE } from "../src/container-options.ts";

test("without options it is the official image with memory alone, unless the environment names another", () => {
  expect(checkContainer({}, {})).toEqual({
    image: OFFICIAL_IMAGE,
    port: 0,
    engine: "mem",
    arguments: ["start", "--bind", "0.0.0.0:8000", "--user", "root", "--pass", "root", "memory"],
    startTimeoutMs: 60_000,
  });
  expect(checkContainer({}, { SURREAL_IMAGE: "localhost/own:1" }).image).toBe("localhost/own:1");
  expect(checkContainer({}, { SURREAL_IMAGE: "" }).image).toBe(OFFICIAL_IMAGE);
  expect(checkContainer({ image: "mine" }, { SURREAL_IMAGE: "localhost/own:1" }).image).toBe("mine");
});

test("an engine that writes has its folder in the container", () => {
  expect(checkContainer({ engine: "rocksdb" }, {}).arguments.at(-1)).toBe("rocksdb:/data/surreal");
  expect(checkContainer({ engine: "surrealkv" }, {}).arguments.at(-1)).toBe("surrealkv:/data/surreal");
});

test.each([
  [{ engine: "tikv" }, "engine: expected mem, surrealkv or rocksdb"],
  [{ image: "" }, "image: expected a non-empty text"],
  [{ user: 1 }, "user: expected a non-empty text"],
  [{ port: 70_000 }, "port"],
  [{ startTimeoutMs: -1 }, "startTimeoutMs"],
  [{ path: "/data" }, "path"],
])("the options %j are refused", (options, message) => {
  expect(() => checkContainer(options as never, {})).toThrow(TypeError);
  expect(() => checkContainer(options as never, {})).toThrow(message);
});
