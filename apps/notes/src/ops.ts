import { fileURLToPath } from "node:url";
import type { DatabaseService } from "@db/core";
import { livePools } from "@db/pool";
import { type Config, configFacts } from "./config.ts";
import type { EventStreams } from "./event-streams.ts";
import { readOpsAssets } from "./ops-assets.ts";
import { Recorder } from "./ops-recorder.ts";
import type { OpsOptions } from "./ops-routes.ts";

interface StartOptions {
  readonly db: DatabaseService;
  readonly config: Config;
  readonly streams: EventStreams;
  readonly version: string;
  readonly isDraining: () => boolean;
}

/** Watches from now on, and knows what the operator page shows. */
export async function startOps({ db, config, streams, version, isDraining }: StartOptions): Promise<OpsOptions> {
  return {
    recorder: new Recorder({ db, pools: livePools, isDraining, slowMs: config.slowCallMs }),
    streams,
    assets: await readOpsAssets(fileURLToPath(new URL("../dist/ops", import.meta.url))),
    about: {
      service: "notes",
      version,
      startedAt: Date.now(),
      node: process.versions.node,
      configuration: configFacts(config),
      hasOperator: false,
      hasLab: false,
    },
  };
}
