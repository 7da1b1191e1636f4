// Every call of the matrix under every fault, told as lines of JSON; then the process must end by itself.
// Arguments: the transport, ws or http; then cells, such as "write × reset".
import { mapConcurrent } from "@db/core";
import { FaultProxy, startSurreal } from "@db/testing";
import { ask } from "./admin.ts";
import { CALLS, type CallName, FAULTS, type FaultKind, HTTP_CALLS } from "./fault-matrix-expected.ts";
import { MatrixCell } from "./matrix-cell.ts";

/** Faults on the wire share a server; those of a server have one each. */
const GROUPS: readonly (readonly FaultKind[])[] = [
  ["refused", "half-open"],
  ["black hole", "slow"],
  ["reset", "drop before reply"],
  ["killed -9, restarted"],
  ["version wrong"],
  ["password wrong"],
  ["token expired"],
];

const [transport = "ws", ...chosen] = process.argv.slice(2);
if (transport !== "ws" && transport !== "http") throw new Error(`expected ws or http, got ${transport}`);
const calls: readonly CallName[] = transport === "ws" ? CALLS : HTTP_CALLS;

await mapConcurrent(
  GROUPS,
  async (faults) => {
    const cells = faults
      .flatMap((fault) => calls.map((call) => ({ call, fault })))
      .filter(({ call, fault }) => chosen.length === 0 || chosen.includes(`${call} × ${fault}`));
    if (cells.length === 0) return;
    await using server = await startSurreal({ engine: "rocksdb", startTimeoutMs: 60_000 });
    await ask(server, "DEFINE USER admin ON ROOT PASSWORD 'admin' ROLES OWNER");
    for (const { call, fault } of cells) {
      await using proxy = await FaultProxy.start({ target: server });
      const key = `${call}${FAULTS.indexOf(fault)}`;
      const result = await new MatrixCell({ call, transport, server, proxy, key }, fault).play();
      process.stdout.write(`${JSON.stringify(result)}\n`);
    }
  },
  { concurrency: 3 },
);
