import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EngineHome } from "./engine-home.ts";
import { EngineError } from "./system.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "engine-home-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a folder that is new, empty, begun or configured may be an engine's", () => {
  new EngineHome(join(folder, "new")).refuseOthersFiles();
  const home = new EngineHome(folder);
  home.refuseOthersFiles();
  mkdirSync(`${home.imageDraft}a1b2c3`);
  home.refuseOthersFiles();
  home.configure();
  home.refuseOthersFiles();
});

test("a folder with files of somebody else is refused, also with the configuration of another engine", () => {
  writeFileSync(join(folder, "letter.txt"), "");
  expect(() => new EngineHome(folder).refuseOthersFiles()).toThrow(EngineError);
  expect(() => new EngineHome(folder).refuseOthersFiles()).toThrow("got one with letter.txt");
  writeFileSync(join(folder, "containers.conf"), "[engine]\n");
  expect(() => new EngineHome(folder).refuseOthersFiles()).toThrow("got one with containers.conf, letter.txt");
});
