import type { Feed } from "./feed.ts";
import { isNew } from "./pool-metrics.ts";
import { type QueueEvent, type RejectEvent, SOURCES } from "./sources.ts";

const names = ["queue"];
const entries = { unit: "{entry}", names };

export function recordQueues(feed: Feed): void {
  const size = feed.gauge("upDownCounter", "database.write_queue.size", {
    ...entries,
    description: "Writes that are stored and wait to be applied.",
  });
  const deadLetters = feed.gauge("upDownCounter", "database.write_queue.dead_letters", {
    ...entries,
    description: "Writes that are stored and cannot be applied without help.",
  });
  const bytes = feed.gauge("upDownCounter", "database.write_queue.bytes", {
    unit: "By",
    names,
    description: "What all stored writes take.",
  });
  const oldest = feed.gauge("gauge", "database.write_queue.oldest_age", {
    unit: "s",
    names,
    description: "How long the oldest write has waited.",
  });
  const countEnqueued = feed.counter("database.write_queue.enqueued", {
    ...entries,
    description: "Writes that were stored.",
  });
  const countAcked = feed.counter("database.write_queue.acked", {
    ...entries,
    description: "Stored writes that were applied.",
  });
  const countRejected = feed.counter("database.write_queue.rejected", {
    unit: "{entry}",
    names: ["queue", "reason"],
    crowded: ["queue"],
    description: "Writes that were not taken.",
  });
  const countDead = feed.counter("database.write_queue.dead", {
    ...entries,
    description: "Stored writes that became dead letters.",
  });

  feed.on<QueueEvent>(SOURCES.queueEnqueue, ({ queue }) => countEnqueued(1, [queue]));
  feed.on<QueueEvent>(SOURCES.queueAck, ({ queue }) => countAcked(1, [queue]));
  feed.on<RejectEvent>(SOURCES.queueReject, ({ queue, reason }) => countRejected(1, [queue, reason]));
  feed.on<QueueEvent>(SOURCES.queueDead, ({ queue }) => countDead(1, [queue]));

  const known = new Set<string>();
  feed.readEach("queue", (queue) => {
    const { name } = queue;
    const stats = queue.stats();
    const waiting = stats.pending - stats.dead;
    size.add(waiting, [name]);
    deadLetters.add(stats.dead, [name]);
    bytes.add(stats.bytes, [name]);
    oldest.raise(waiting > 0 ? stats.oldestAgeMs / 1_000 : 0, [name]);
    if (!isNew(known, name)) return;
    // From 0, or the first of each would be no increase.
    for (const count of [countEnqueued, countAcked, countDead]) count(0, [name]);
    for (const reason of Object.keys(stats.rejected)) countRejected(0, [name, reason]);
  });
}
