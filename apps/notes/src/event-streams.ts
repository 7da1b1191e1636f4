const ENCODER = new TextEncoder();

/** What a client may fall behind before its stream ends: it comes back by itself and is told how things stand then. */
const MAX_BEHIND_BYTES = 1_048_576;
/** A comment once in so long, so that nothing on the way takes the silence for an end. */
const HEARTBEAT_MS = 15_000;

interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
  readonly id?: string;
}

/** One open stream of server-sent events. */
export interface EventStream {
  /** False where the stream has ended, or ends now because its client is too slow. */
  send(event: StreamEvent): boolean;
  close(): void;
}

interface OpenOptions {
  /** Called when the stream ends, whoever ended it. */
  readonly onClose: () => void;
}

/** All streams of server-sent events that are open. Each keeps its connection, so a service that stops must end them. */
export class EventStreams {
  readonly #open = new Set<EventStream>();
  #closed = false;

  get size(): number {
    return this.#open.size;
  }

  /** Once streams are ended for good, a new one ends at once. */
  open(start: (stream: EventStream) => void, { onClose }: OpenOptions): Response {
    let finish: () => void = () => {};
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          let ended = false;
          const end = (): void => {
            if (ended) return;
            ended = true;
            clearInterval(heartbeat);
            this.#open.delete(stream);
            onClose();
          };
          finish = end;
          const write = (text: string): boolean => {
            if (ended) return false;
            const bytes = ENCODER.encode(text);
            if ((controller.desiredSize ?? 0) < bytes.byteLength) {
              stream.close();
              return false;
            }
            controller.enqueue(bytes);
            return true;
          };
          const stream: EventStream = {
            send: (event) => write(textOf(event)),
            close: () => {
              if (ended) return;
              end();
              controller.close();
            },
          };
          const heartbeat = setInterval(() => write(": still here\n\n"), HEARTBEAT_MS);
          heartbeat.unref();
          this.#open.add(stream);
          write("retry: 1000\n\n");
          start(stream);
          if (this.#closed) stream.close();
        },
        cancel: () => finish(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: MAX_BEHIND_BYTES }),
    );
    return new Response(body, {
      headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
    });
  }

  /** Tells every client that the service goes, and ends its stream. */
  close(): void {
    this.#closed = true;
    for (const stream of [...this.#open]) {
      stream.send({ event: "bye", data: {} });
      stream.close();
    }
  }
}

function textOf({ event, data, id }: StreamEvent): string {
  // JSON has no line breaks of its own, so one data line holds it.
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
