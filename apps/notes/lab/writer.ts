import { setTimeout as sleep } from "node:timers/promises";
import type { Answer, Ledger } from "./ledger.ts";

interface WriterOptions {
  readonly url: string;
  readonly ledger: Ledger;
  /** Notes a second. */
  readonly rate: number;
  readonly run: string;
}

/** How long one request may take before it is sent again under its key. */
const REQUEST_MS = 10_000;
const AGAIN_MS = 100;

/**
 * Makes notes at an even pace, whatever the service answers. A write that got no answer (the service was killed under it) is sent
 * again with its Idempotency-Key until it gets one, or the writer is stopped: only so can anybody say what became of it.
 */
export class Writer {
  readonly #options: WriterOptions;
  readonly #sending = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #fault: unknown;
  /** While nobody is to write. */
  paused = false;
  /** On the `performance.now()` scale; what scenarios measure by. */
  onAnswer: (answer: Answer, at: number, askedAt: number) => void = () => {};

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#loop = this.#run();
  }

  /** Sends no more, and waits for the answers to what was sent. @throws as `settled` */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.settled();
  }

  /** @throws Error where the service has given an answer that it must not give */
  async settled(): Promise<void> {
    await Promise.all(this.#sending);
    if (this.#fault !== undefined) throw this.#fault;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (this.paused) {
        await sleep(20, undefined, { signal }).catch(() => {});
        continue;
      }
      const sending = this.#send()
        // Kept for whoever waits: thrown here it would end the lab, and leave its service and its database behind.
        .catch((error: unknown) => {
          this.#fault ??= error;
        })
        .finally(() => this.#sending.delete(sending));
      this.#sending.add(sending);
      await sleep(1_000 / this.#options.rate, undefined, { signal }).catch(() => {});
    }
  }

  async #send(): Promise<void> {
    const { url, ledger, run } = this.#options;
    const { index, title } = ledger.open();
    for (;;) {
      const askedAt = performance.now();
      const answered = await this.#ask(url, `lab-${run}-${index}`, title);
      if (answered !== undefined) {
        ledger.close(index, answered.answer, answered.id);
        this.onAnswer(answered.answer, performance.now(), askedAt);
        return;
      }
      // The service may have been stopped as well, and never answer.
      if (this.#stop.signal.aborted) return;
      await sleep(AGAIN_MS);
    }
  }

  /** Undefined where there was no answer, or one that says nothing of what became of the write. */
  async #ask(url: string, key: string, title: string): Promise<{ answer: Answer; id: string | undefined } | undefined> {
    try {
      const response = await fetch(`${url}/notes`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": key },
        body: JSON.stringify({ title, content: "written by the lab", author: "lab" }),
        signal: AbortSignal.timeout(REQUEST_MS),
      });
      const body = (await response.json()) as { readonly id?: string; readonly code?: string };
      if (response.status === 201) return { answer: "confirmed", id: body.id };
      if (response.status === 202) return { answer: "queued", id: body.id };
      if (response.status === 503) return { answer: "refused", id: undefined };
      if (response.status === 504 || response.status === 409) return undefined;
      throw new Error(`expected 201, 202 or 503, got ${response.status} ${JSON.stringify(body)}`);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("expected ")) throw error;
      return undefined;
    }
  }
}
