import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the two programs are. */
export interface Prometheus {
  readonly promtool: string;
  readonly prometheus: string;
}

/** Why they cannot be had on this machine, in full. */
export class PrometheusError extends Error {}

/** What was fetched stays here until `node_modules` goes. */
export const cache: string = fileURLToPath(new URL("../../node_modules/.cache/prometheus/", import.meta.url));

/** Those of the machine, or those that were fetched before. */
export function findPrometheus(): Prometheus | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), join(cache, "usr/bin")];
  const [promtool, prometheus] = ["promtool", "prometheus"].map((name) =>
    folders.map((folder) => join(folder, name)).find(isExecutable),
  );
  return promtool === undefined || prometheus === undefined ? undefined : { promtool, prometheus };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
