import { availableParallelism, loadavg } from "node:os";
import type { Check } from "../check.ts";
import { Clients, closedLoop, openLoop } from "../clients.ts";
import { percentile } from "../measure.ts";
import { startNotes } from "../service.ts";

const CLIENTS = 200;
const WARM_UP_MS = 2_000;
const CAPACITY_MS = 2_500;
const WINDOW_MS = 2_500;
const ROUNDS = 3;
const WINDOWS = 5;

export const load: Check = {
  name: "load",
  about: `p99 below 100 ms for ${CLIENTS} clients at half of what the service can take, on the embedded engine`,
  async run({ claim, atMost }, ground) {
    // What others do on the machine is part of every figure below.
    const [minute = 0] = loadavg();
    const machine = `machine's load ${minute.toFixed(1)} on ${availableParallelism()} cores`;
    const { url } = await startNotes(ground);
    const clients = new Clients(url, CLIENTS);
    ground.defer(async () => clients.close());
    await clients.prepare(500);
    ground.progress("warming up");
    await closedLoop(clients, WARM_UP_MS, ground.signal);

    ground.progress("measuring the capacity");
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1)
      rates.push((await closedLoop(clients, CAPACITY_MS, ground.signal)).length / (CAPACITY_MS / 1_000));
    const capacity = percentile(rates, 0.5);
    claim(
      `it has a capacity, with ${CLIENTS} clients and no pause`,
      capacity > 0,
      `${Math.round(capacity)} requests a second; ${machine}`,
    );

    ground.progress("half of the capacity");
    const windows: number[][] = [];
    for (let window = 0; window < WINDOWS; window += 1)
      windows.push(await openLoop(clients, capacity / 2, WINDOW_MS, ground.signal));
    const median = (part: number): number =>
      percentile(
        windows.map((took) => percentile(took, part)),
        0.5,
      );
    atMost(`p50 at ${Math.round(capacity / 2)} requests a second`, median(0.5), 100, "ms");
    atMost("p99, the median of five windows,", median(0.99), 100, "ms");
    const served = windows.flat().length / ((WINDOW_MS * WINDOWS) / 1_000);
    claim("the load was really made", served > (capacity / 2) * 0.95, `${Math.round(served)} requests a second`);
    claim("every request was answered with 200 or 201", clients.failures === 0, `${clients.failures} others`);
  },
};
