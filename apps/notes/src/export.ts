import { AsyncLocalStorage } from "node:async_hooks";
import { toJson } from "./json-fields.ts";

const ENCODER = new TextEncoder();
/** Lines are sent together until they are this long: a chunk for each would cost more than the records. */
const CHUNK_BYTES = 32_768;

interface Ending {
  readonly onFault: (error: unknown) => void;
  /** Cuts the connection; undefined where there is none, and the body fails. */
  readonly cut: (() => void) | undefined;
}

/**
 * Records as lines of JSON, made as fast as the client reads and not faster. If the records fail half-way the connection
 * is cut, so that a part is never taken for the whole. Rejects where they fail before: that is told by a status.
 */
export async function ndjson(
  records: AsyncGenerator<unknown, void, undefined>,
  { onFault, cut }: Ending,
): Promise<Response> {
  // Whoever reads the body is not in the request's context any more.
  const inRequest = AsyncLocalStorage.snapshot();
  let first: Lines | undefined = await nextLines(records);
  let isLeft = false;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { text, done } = first ?? (await inRequest(nextLines, records));
        first = undefined;
        if (text !== "") controller.enqueue(ENCODER.encode(text));
        if (done) controller.close();
      } catch (error) {
        // A client that has gone also ends the reading: nothing broke.
        if (isLeft) return;
        onFault(error);
        // Of a body that fails the server writes the error behind the lines, may end it well, and prints the causes.
        if (cut === undefined) controller.error(error);
        else cut();
      }
    },
    async cancel() {
      isLeft = true;
      await records.return();
    },
  });
  return new Response(body, { headers: { "content-type": "application/x-ndjson; charset=utf-8" } });
}

interface Lines {
  readonly text: string;
  readonly done: boolean;
}

async function nextLines(records: AsyncGenerator<unknown>): Promise<Lines> {
  const lines: string[] = [];
  for (let length = 0; length < CHUNK_BYTES; ) {
    const { value, done } = await records.next();
    if (done === true) return { text: lines.join(""), done: true };
    const line = `${toJson(value)}\n`;
    lines.push(line);
    length += line.length;
  }
  return { text: lines.join(""), done: false };
}
