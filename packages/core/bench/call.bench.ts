import { compare, type Goal, report } from "@db/bench";
import { attemptTimeout, createDatabase, defineDriver, type Layer, type Logger, logLayer } from "@db/core";

const row = { id: "notes:1", title: "a title" };
const driver = defineDriver({ name: "no-op", statements: { read: () => Promise.resolve(row) } });

const quiet = (): void => {};
const logger: Logger = { debug: quiet, warn: quiet, error: quiet, isLevelEnabled: (level) => level !== "debug" };
/** Refuses collections that are not listed, as an application would. */
const allowed: ReadonlySet<string> = new Set(["notes"]);
const gate: Layer = (next) =>
  function gateLayer(operation, context) {
    if ("collection" in operation && !allowed.has(operation.collection))
      return Promise.reject(new Error("not allowed"));
    return next(operation, context);
  };

const plain = createDatabase({ driver });
const layered = createDatabase({ driver, layers: [logLayer({ logger }), gate, attemptTimeout()] });
await plain.connect();
await layered.connect();

const rows = await compare([
  { name: "bare await", run: () => Promise.resolve(row) },
  { name: "read, no layer", run: () => plain.read("notes:1") },
  { name: "read, log + gate + attempt timeout", run: () => layered.read("notes:1") },
]);
const [bare, , three] = rows;
const goals: Goal[] =
  bare === undefined || three === undefined
    ? []
    : [
        {
          what: "read through three layers over a bare await (min)",
          actual: three.minNs / bare.minNs,
          limit: 30,
          unit: "×",
        },
        {
          what: "read through three layers over a bare await (median)",
          actual: three.medianNs / bare.medianNs,
          limit: 30,
          unit: "×",
        },
        { what: "read through three layers", actual: three.bytes, limit: 2048, unit: "bytes" },
      ];
report("core", rows, goals);
