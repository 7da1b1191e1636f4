import { Session } from "node:inspector/promises";

const builders = ["TracedOperation", "TracedAcquire"];

/** How often an event was built while the work ran, as V8 counts the calls. */
export async function countBuilders(work: () => Promise<void>): Promise<number> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await work();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  await session.post("Profiler.stopPreciseCoverage");
  session.disconnect();
  return result
    .filter(({ url }) => url.endsWith(".ts"))
    .flatMap(({ functions }) => functions)
    .filter(({ functionName }) => builders.includes(functionName))
    .reduce((sum, { ranges }) => sum + (ranges[0]?.count ?? 0), 0);
}
