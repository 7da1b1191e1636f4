import { toJson } from "./json-fields.ts";

const ENCODER = new TextEncoder();
/** Lines are sent together until they are this long: a chunk for each would cost more than the records. */
const CHUNK_BYTES = 32_768;

/**
 * Records as lines of JSON, made as fast as the client reads and not faster. If the records fail half-way the connection
 * is cut, so that a part is never taken for the whole.
 */
export function ndjson(records: AsyncGenerator<unknown, void, undefined>, onFault: (error: unknown) => void): Response {
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { text, done } = await nextLines(records);
        if (text !== "") controller.enqueue(ENCODER.encode(text));
        if (done) controller.close();
      } catch (error) {
        onFault(error);
        controller.error(error);
      }
    },
    async cancel() {
      await records.return();
    },
  });
  return new Response(body, { headers: { "content-type": "application/x-ndjson; charset=utf-8" } });
}

async function nextLines(records: AsyncGenerator<unknown>): Promise<{ readonly text: string; readonly done: boolean }> {
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
