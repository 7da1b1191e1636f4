import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { allNotes, type NoteJson } from "./all-notes.ts";
import { spawnService, temporaryFolder } from "./child-service.ts";
import { json, note } from "./harness.ts";

const ROUNDS = process.env.DB_TEST_SIZE === "full" ? 20 : 4;

test(`kill -9 loses no note that was answered with 201, ${ROUNDS} times`, { timeout: 300_000 }, async () => {
  const DATA_DIR = await temporaryFolder();
  const acknowledged = new Map<string, string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const service = spawnService({ DATA_DIR, LOG_LEVEL: "error" });
    const url = await service.ready();
    const before = acknowledged.size;
    const write = async (writer: number): Promise<void> => {
      for (let count = 0; ; count += 1) {
        const title = `round ${round}, writer ${writer}, note ${count}`;
        try {
          const answer = await fetch(`${url}/notes`, json("POST", { ...note, title }));
          if (answer.status === 201) acknowledged.set(((await answer.json()) as NoteJson).id, title);
        } catch {
          return;
        }
      }
    };
    const writers = Array.from({ length: 6 }, (_, writer) => write(writer));
    while (acknowledged.size === before) await sleep(2);
    await sleep(Math.random() * 200);
    service.process.kill("SIGKILL");
    expect(await service.exit).toBe("SIGKILL");
    await Promise.all(writers);
  }
  const found = await allNotes(await spawnService({ DATA_DIR }).ready());
  const lost = [...acknowledged].filter(([id, title]) => found.get(id) !== title);
  expect(lost).toEqual([]);
  expect(acknowledged.size).toBeGreaterThan(ROUNDS);
});
