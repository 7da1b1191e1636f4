import { fileURLToPath } from "node:url";
import type { DatabaseService } from "@db/core";
import { livePools } from "@db/pool";
import type { WriteQueue } from "@db/queue";
import { type Config, configFacts } from "./config.ts";
import type { EventStreams } from "./event-streams.ts";
import { Operator } from "./operator.ts";
import { readOpsAssets } from "./ops-assets.ts";
import type { QueueFacts } from "./ops-feed.ts";
import { Recorder } from "./ops-recorder.ts";
import type { OpsOptions } from "./ops-routes.ts";

interface StartOptions {
  readonly db: DatabaseService;
  readonly queue: WriteQueue;
  readonly config: Config;
  readonly streams: EventStreams;
  readonly version: string;
  readonly isDraining: () => boolean;
}

/** Watches from now on, and knows what the operator page shows. */
export async function startOps({ db, queue, config, streams, version, isDraining }: StartOptions): Promise<OpsOptions> {
  const operator = new Operator(config.operatorToken);
  const pools = livePools;
  return {
    recorder: new Recorder({ db, pools, queue: () => queueFacts(queue), isDraining, slowMs: config.slowCallMs }),
    queue,
    operator,
    labUrl: config.labUrl,
    streams,
    assets: await readOpsAssets(fileURLToPath(new URL("../dist/ops", import.meta.url))),
    about: {
      service: "notes",
      version,
      startedAt: Date.now(),
      node: process.versions.node,
      configuration: configFacts(config),
      hasOperator: operator.exists,
      hasLab: config.labUrl !== "",
    },
  };
}

function queueFacts(queue: WriteQueue): QueueFacts & { readonly acked: number } {
  const stats = queue.stats();
  return { ...stats, etaMs: stats.etaMs ?? null };
}
