import { Agent, type IncomingMessage, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { jsonRequest, note } from "./requests.ts";

/** Of ten requests of a client: seven read a note, two make one, one asks for a page. */
const MIX = ["read", "read", "make", "read", "read", "page", "read", "make", "read", "read"] as const;

/** Clients of the service, each with a connection of its own that it keeps. */
export class Clients {
  readonly count: number;
  /** Requests that were not answered with 200 or 201. */
  failures = 0;
  readonly #url: string;
  readonly #agent: Agent;
  readonly #paths: string[] = [];
  #next = 0;

  constructor(url: string, count: number) {
    this.#url = url;
    this.count = count;
    this.#agent = new Agent({ keepAlive: true, maxSockets: count });
  }

  /** Makes notes to read. */
  async prepare(notes: number): Promise<void> {
    for (let made = 0; made < notes; made += 1) {
      const { id } = (await (await fetch(`${this.#url}/notes`, jsonRequest("POST", note))).json()) as { id: string };
      this.#paths.push(`/notes/${id}`);
    }
  }

  /** One request of the mix, until its answer is read. */
  send(): Promise<void> {
    this.#next += 1;
    const kind = MIX[this.#next % MIX.length];
    if (kind === "make") return this.#ask("POST", "/notes", JSON.stringify(note));
    if (kind === "page") return this.#ask("GET", "/notes?limit=20");
    return this.#ask("GET", this.#paths[this.#next % this.#paths.length] ?? "/notes");
  }

  close(): void {
    this.#agent.destroy();
  }

  #ask(method: string, path: string, body = ""): Promise<void> {
    return new Promise((resolve) => {
      const failed = (): void => {
        this.failures += 1;
        resolve();
      };
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const sent = request(`${this.#url}${path}`, { method, agent: this.#agent, ...(body === "" ? {} : { headers }) });
      sent.once("error", failed).once("response", (answer: IncomingMessage) => {
        answer
          .resume()
          .once("error", failed)
          .once("end", () => {
            if (answer.statusCode === 200 || answer.statusCode === 201) resolve();
            else failed();
          });
      });
      sent.end(body);
    });
  }
}

/** Each client sends its next request when it has the answer of the one before. Resolves to what each took, in ms. */
export async function closedLoop(clients: Clients, ms: number, signal: AbortSignal): Promise<number[]> {
  const took: number[] = [];
  const until = performance.now() + ms;
  const client = async (): Promise<void> => {
    for (let start = performance.now(); start < until && !signal.aborted; start = performance.now()) {
      await clients.send();
      took.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: clients.count }, client));
  return took;
}

/**
 * Requests at a steady rate, whether the ones before were answered or not. Each counts from the moment when it was due, so that a
 * service that stands still is not asked less (coordinated omission).
 */
export async function openLoop(
  clients: Clients,
  perSecond: number,
  ms: number,
  signal: AbortSignal,
): Promise<number[]> {
  const took: number[] = [];
  const start = performance.now();
  const periodMs = (clients.count / perSecond) * 1_000;
  const client = async (_: unknown, index: number): Promise<void> => {
    for (let due = start + (index / perSecond) * 1_000; due < start + ms && !signal.aborted; due += periodMs) {
      const early = due - performance.now();
      if (early > 0) await sleep(early);
      await clients.send();
      took.push(performance.now() - due);
    }
  };
  await Promise.all(Array.from({ length: clients.count }, client));
  return took;
}
