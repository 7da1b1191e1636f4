import type { Feed } from "./feed.ts";
import { NAMESPACE, POOL_NAME } from "./names.ts";
import { liveComponents } from "./sources.ts";

const STATES: readonly string[] = ["disconnected", "connecting", "connected", "failed", "closed"];

/** How things stand, as a set of states: one series for each, 1 where it is the present one. */
export function recordStates(feed: Feed, version: string): void {
  const state = feed.gauge("gauge", "database.connection.state", {
    unit: "1",
    description: "1 for the present state, 0 for the others; services with the same labels are added up.",
    names: ["adapter", NAMESPACE, POOL_NAME, "state"],
    crowded: [NAMESPACE, POOL_NAME],
  });
  const build = feed.gauge("gauge", "database.build_info", {
    unit: "1",
    description: "1 for each combination of versions at work.",
    names: ["version", "adapter", "server_version", "runtime"],
  });
  const runtime = `node ${process.versions.node}`;

  feed.readEach("database", ({ name, target, state: { name: present }, serverVersion }) => {
    for (const one of STATES) state.add(one === present ? 1 : 0, [name, target?.namespace, undefined, one]);
    build.raise(1, [version, name, serverVersion ?? "unknown", runtime]);
  });
  feed.read("build info", () => {
    if (liveComponents("database").length === 0) build.raise(1, [version, undefined, undefined, runtime]);
  });
  feed.readEach("pool", (pool) => {
    const present = pool.stats().state;
    for (const one of STATES) state.add(one === present ? 1 : 0, [undefined, undefined, pool.name, one]);
  });
}
