import { createDatabase } from "@db/core";
import { instrument, type Level } from "@db/metrics";
import { prometheus } from "@db/metrics/prometheus";
import { WriteQueue } from "@db/queue";
import { MockDatabase } from "@db/testing";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { Check } from "../check.ts";
import { jsonRequest, note } from "../requests.ts";
import { startNotes } from "../service.ts";

const LEVELS: readonly Level[] = ["basic", "detailed", "all"];
const BASIC = [
  "db_client_operation_duration",
  "database_connection_state",
  "database_build_info",
  "database_write_queue_size",
];

export const metrics: Check = {
  name: "metrics",
  about: "three levels, each with what the one before tells, and /metrics for Prometheus",
  async run({ claim }, ground) {
    const told = new Map<Level, { readonly names: ReadonlySet<string>; readonly text: string }>();
    for (const level of LEVELS) {
      const text = await scrape(level);
      told.set(level, { names: namesIn(text), text });
    }
    const [basic, detailed, all] = LEVELS.map((level) => told.get(level)?.names ?? new Set<string>());
    const missing = BASIC.filter((name) => !basic?.has(name));
    claim(
      "basic tells durations, states, versions and the queue",
      missing.length === 0,
      missing.length === 0 ? `${basic?.size} metrics` : `without ${missing.join(", ")}`,
    );
    const collection = LEVELS.map((level) => told.get(level)?.text.includes('db_collection_name="notes"') === true);
    claim("collections are told from detailed on", collection.join() === "false,true,true", collection.join(" "));
    const [none, more] = [basic, detailed].map((names) => [...(names ?? [])]);
    const isGrowing =
      none?.every((name) => detailed?.has(name)) === true && more?.every((name) => all?.has(name)) === true;
    claim("each level has all of the one before", isGrowing, `${basic?.size}, ${detailed?.size}, ${all?.size} metrics`);
    const rows = LEVELS.map((level) => told.get(level)?.names.has("db_client_response_returned_rows") === true);
    claim("rows are told at all only", rows.join() === "false,false,true", rows.join(" "));

    const { url } = await startNotes(ground, { SURREAL_URL: "mem://" });
    const secret = "a secret of a user";
    await fetch(`${url}/notes`, jsonRequest("POST", { ...note, content: secret }));
    const answer = await fetch(`${url}/metrics`);
    const text = await answer.text();
    const count = /^db_client_operation_duration_count\{[^}]*db_operation_name="create"[^}]*\} (\d+)/m.exec(text)?.[1];
    claim(
      "/metrics of the service counts the write",
      answer.status === 200 && count === "1",
      `${answer.status}, count ${count}`,
    );
    claim("… without what it held", !text.includes(secret), `${text.length} characters`);
  },
};

async function scrape(level: Level): Promise<string> {
  const { reader, text } = prometheus();
  const meterProvider = new MeterProvider({ readers: [reader] });
  await using _ = instrument({ level, meterProvider });
  await using queue = await WriteQueue.open({ durability: "memory" });
  await using db = createDatabase({ driver: new MockDatabase(), layers: [queue.layer] });
  await db.connect();
  const { id } = await db.create("notes", note);
  await db.read(id);
  await db.find("notes");
  const shown = await text();
  await meterProvider.shutdown();
  return shown;
}

function namesIn(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/^# TYPE (\S+) /gm)].flatMap(([, name]) => name ?? []));
}
