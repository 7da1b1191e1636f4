import { rmSync } from "node:fs";
import { WriteQueue } from "@db/queue";

rmSync("/tmp/q-prof", { recursive: true, force: true });
const callers = Number(process.argv[2] ?? 1000),
  ms = Number(process.argv[3] ?? 3000);
const queue = await WriteQueue.open({ path: "/tmp/q-prof/q.db" });
const data = {
  title: "Groceries for the weekend",
  body: "milk, bread, two kinds of cheese, apples, and whatever is left of the season's last tomatoes",
  tags: ["home", "errands"],
  pinned: false,
  words: 17,
  author: "ann",
};
let n = 0;
const end = performance.now() + ms;
const cpu0 = process.cpuUsage(),
  t0 = performance.now(),
  m0 = process.threadCpuUsage?.();
await Promise.all(
  Array.from({ length: callers }, async () => {
    while (performance.now() < end) {
      await queue.enqueue({ kind: "create", id: `notes:${String(n++).padStart(12, "0")}`, data });
    }
  }),
);
const dt = performance.now() - t0,
  cpu = process.cpuUsage(cpu0),
  m = process.threadCpuUsage?.(m0);
console.log(
  Math.round((n / dt) * 1000),
  "per s; cpu µs/op all",
  ((cpu.user + cpu.system) / n).toFixed(2),
  "main",
  m && ((m.user + m.system) / n).toFixed(2),
  "commits",
  queue.stats().commits,
  "avg batch",
  (n / queue.stats().commits).toFixed(0),
);
await queue.close();
