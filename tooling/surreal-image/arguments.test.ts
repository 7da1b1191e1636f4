import { expect, test } from "vitest";
import { readArguments } from "./arguments.ts";

test("without options it serves memory on every interface of the container", () => {
  expect(readArguments(["start"])).toEqual({
    engine: "mem",
    path: undefined,
    host: "0.0.0.0",
    port: 8000,
    user: "root",
    password: "root",
    faults: {},
  });
});

test.each([
  ["rocksdb:/data/a.db", "rocksdb", "/data/a.db"],
  ["rocksdb:///data/a.db", "rocksdb", "/data/a.db"],
  ["surrealkv://data", "surrealkv", "data"],
  ["mem://", "mem", undefined],
])("the path %s is %s at %s", (path, engine, folder) => {
  const args = ["start", "--user", "ann", "-p", "secret", "--bind", "[::]:9000", "--log", "info", path];
  const read = readArguments(args);
  expect(read).toMatchObject({ engine, path: folder, host: "::", port: 9000, user: "ann", password: "secret" });
});

test.each([
  [[], "expected start [OPTIONS] [PATH], got nothing"],
  [["start", "a", "b"], "expected start [OPTIONS] [PATH], got start a b"],
  [["start", "tikv://x"], "expected PATH to be memory"],
  [["start", "rocksdb"], "expected PATH to be memory"],
  [["start", "memory:x"], "expected PATH to be memory"],
  [["start", "--bind", "8000"], "expected --bind HOST:PORT, got 8000"],
  [["start", "--unauthenticated"], "Unknown option '--unauthenticated'"],
])("the arguments %j are refused", (args, message) => {
  expect(() => readArguments(args)).toThrow(message);
});
