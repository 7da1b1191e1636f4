// The thread of a store, which does its work until it is to die.
import { workerData } from "node:worker_threads";
import { Host, type HostData, type Request, serve } from "../../src/sqlite-host.ts";
import type { StoreBatch } from "../../src/store.ts";
import { DEADLY, type Death } from "./death.ts";

const { death, ...data } = workerData as HostData & { readonly death: Death };
const { latch = new Int32Array(new SharedArrayBuffer(4)) } = death;
const run = Host.prototype.run;

Host.prototype.run = function (request: Request) {
  const isDeadly = request.name === death.request && (request.name !== "commit" || holdsDeadly(request as never));
  if (isDeadly && death.when === "before") die();
  const value = run.call(this, request);
  if (isDeadly) die();
  return value;
};
serve(data);

function holdsDeadly({ asks }: { readonly asks: StoreBatch }): boolean {
  return Buffer.from(asks.entries).includes(DEADLY);
}

function die(): void {
  switch (death.how) {
    case "exit":
      process.exit(3);
      break;
    case "exception":
      // Neither the answer nor the failure can be sent, so it ends the thread.
      data.port.postMessage = () => {
        throw new Error("nobody catches this");
      };
      throw new Error("and not this");
    case "memory":
      for (const kept: object[] = []; ; ) kept.push(new Array(10_000).fill({ kept }));
    default:
      // Until the main thread terminates it.
      Atomics.store(latch, 0, 1);
      Atomics.wait(latch, 0, 1);
  }
}
