import { type DatabaseService, isDatabaseError, type LiveEvent } from "@db/core";
import type { AnyModel } from "@db/models";
import type { EventStream, EventStreams } from "./event-streams.ts";
import { type ProblemDocument, problemOf, UnavailableFault } from "./problem.ts";

/** Each costs a live query, and up to 1 MiB where its client is slow. */
const MAX_STREAMS = 1_000;

interface ChangesOptions {
  readonly db: DatabaseService;
  readonly streams: EventStreams;
  /** Ends with the request. */
  readonly signal: AbortSignal;
}

/**
 * Changes of a collection as server-sent events: `created`, `updated` and `deleted` with the record, and `resync` with its reason
 * wherever changes may be missing before what comes next, first of all at the start.
 * @throws UnavailableFault while there are as many streams as may be
 */
export function changes(model: AnyModel, { db, streams, signal }: ChangesOptions): Response {
  if (streams.size >= MAX_STREAMS) throw new UnavailableFault("too many are following", 10);
  const gone = new AbortController();
  return streams.open(
    (stream) => {
      const until = AbortSignal.any([signal, gone.signal]);
      void follow(db.live(model.collection, { signal: until }), model, stream);
    },
    { onClose: () => gone.abort() },
  );
}

async function follow(events: AsyncIterable<LiveEvent>, model: AnyModel, stream: EventStream): Promise<void> {
  try {
    for await (const event of events) if (!stream.send(toSent(event, model))) break;
  } catch (error) {
    stream.send({ event: "problem", data: shownProblem(error) });
  } finally {
    stream.close();
  }
}

function toSent(event: LiveEvent, model: AnyModel): { readonly event: string; readonly data: unknown } {
  if (event.action === "resync") return { event: "resync", data: { reason: event.reason } };
  const { action, id, row } = event;
  return { event: NAMES[action], data: action === "delete" ? { id } : model.parseStored(row) };
}

const NAMES = { create: "created", update: "updated", delete: "deleted" } as const;

function shownProblem(error: unknown): Pick<ProblemDocument, "status" | "title" | "code"> {
  const { status, title, code } = problemOf(error);
  return { status, title, ...(isDatabaseError(error) && code !== undefined ? { code } : {}) };
}
