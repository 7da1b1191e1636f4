import type { WriteQueue } from "@db/queue";
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import { deadLetterRoutes } from "./dead-letter-routes.ts";
import type { AppEnv } from "./env.ts";
import type { EventStream, EventStreams } from "./event-streams.ts";
import { labRoutes } from "./lab-routes.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import type { Operator } from "./operator.ts";
import type { OpsAssets } from "./ops-assets.ts";
import type { About, Feed, Snapshot } from "./ops-feed.ts";
import type { Recorder } from "./ops-recorder.ts";
import { HttpFault, UnavailableFault } from "./problem.ts";

export interface OpsOptions {
  readonly recorder: Recorder;
  readonly streams: EventStreams;
  readonly about: About;
  /** Where dead letters are; undefined where the service has no queue. */
  readonly queue: WriteQueue | undefined;
  readonly operator: Operator;
  /** Where the fault lab is; empty where there is none. */
  readonly labUrl: string;
  /** The built page; undefined where it was not built. */
  readonly assets: OpsAssets | undefined;
}

/** A watcher costs memory and a connection; more than these are no operators. */
const MAX_WATCHERS = 50;

/** The operator page and the one stream that feeds it. Nothing here touches the database. */
export function opsRoutes({ recorder, streams, about, queue, operator, labUrl, assets }: OpsOptions): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  let watchers = 0;

  app.get("/ops", describeRoute({ hide: true }), (c) => {
    if (assets === undefined) throw new UnavailableFault("the operator page is not built: run npm run build", 60);
    return c.body(assets.html, 200, {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": assets.csp,
    });
  });

  app.get("/ops/assets/:name", describeRoute({ hide: true }), (c) => {
    const asset = assets?.files.get(c.req.param("name"));
    if (asset === undefined) throw new HttpFault(404, "no such file");
    // The names hold a digest of the content.
    return c.body(asset.bytes, 200, {
      "content-type": asset.type,
      "cache-control": "public, max-age=31536000, immutable",
      ...(asset.encoding === undefined ? {} : { "content-encoding": asset.encoding }),
    });
  });

  app.get("/ops/events", describeRoute({ hide: true }), () => {
    if (watchers >= MAX_WATCHERS) throw new UnavailableFault("too many are watching", 10);
    watchers += 1;
    let stop = (): void => {};
    return streams.open(
      (stream) => {
        const send = <K extends keyof Feed>(event: K, data: Feed[K]): boolean => stream.send({ event, data });
        send("snapshot", snapshotOf(recorder, about));
        stop = watch(recorder, stream);
      },
      {
        onClose: () => {
          watchers -= 1;
          stop();
        },
      },
    );
  });

  if (queue !== undefined)
    app.route(
      "/",
      deadLetterRoutes(queue, operator, (what, detail) => recorder.note("info", what, detail)),
    );
  if (labUrl !== "") app.route("/", labRoutes(labUrl));
  for (const path of ["/ops", "/ops/events", "/ops/assets/:name"]) app.all(path, methodNotAllowed("GET, HEAD"));
  return app;
}

function snapshotOf(recorder: Recorder, about: About): Snapshot {
  return {
    about,
    headline: recorder.headline(),
    tables: recorder.tables(),
    samples: recorder.samples,
    timeline: recorder.timeline,
    slow: recorder.slow,
  };
}

function watch(recorder: Recorder, stream: EventStream): () => void {
  const send = <K extends keyof Feed>(event: K, data: Feed[K]): void => {
    stream.send({ event, data });
  };
  return recorder.listen({
    tick: (tick) => send("tick", tick),
    headline: (headline) => send("headline", headline),
    timeline: (entry) => send("timeline", entry),
    slow: (call) => send("slow", call),
  });
}
