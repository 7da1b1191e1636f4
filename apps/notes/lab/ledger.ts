/** What the service said to one write. */
export type Answer = "confirmed" | "queued" | "refused";

export interface Tally {
  readonly sent: number;
  readonly confirmed: number;
  readonly queued: number;
  readonly refused: number;
  /** Sent and not answered yet: they are sent again until they are. */
  readonly open: number;
  /** Acknowledged writes that were looked for in the database. */
  readonly checked: number;
  readonly lost: number;
  readonly doubled: number;
}

interface Write {
  readonly title: string;
  answer: Answer | undefined;
  id: string | undefined;
}

/** Every write that the lab has sent, and what the service said to it; in the end it is compared with what is stored. */
export class Ledger {
  readonly #writes: Write[] = [];
  readonly #prefix: string;
  #verdict = { checked: 0, lost: 0, doubled: 0 };

  /** @param run tells the notes of this run from all others */
  constructor(run: string) {
    this.#prefix = `lab ${run} `;
  }

  /** Returns the title of the next note, which is like no other. */
  open(): { readonly index: number; readonly title: string } {
    const index = this.#writes.length;
    const title = `${this.#prefix}${index}`;
    this.#writes.push({ title, answer: undefined, id: undefined });
    return { index, title };
  }

  close(index: number, answer: Answer, id: string | undefined): void {
    const write = this.#writes[index];
    if (write === undefined) throw new RangeError(`expected a write that was opened, got ${index}`);
    write.answer = answer;
    write.id = id;
  }

  get tally(): Tally {
    const count = (answer: Answer | undefined): number =>
      this.#writes.filter((write) => write.answer === answer).length;
    return {
      sent: this.#writes.length,
      confirmed: count("confirmed"),
      queued: count("queued"),
      refused: count("refused"),
      open: count(undefined),
      ...this.#verdict,
    };
  }

  /**
   * Compares with all notes that are stored. An acknowledged one that is not there once under the id that was told is lost; any that
   * is there more than once is doubled, also one that was refused.
   */
  check(stored: Iterable<{ readonly id: string; readonly title: string }>): void {
    const ids = new Map<string, string[]>();
    for (const { id, title } of stored) {
      if (!title.startsWith(this.#prefix)) continue;
      const known = ids.get(title);
      if (known === undefined) ids.set(title, [id]);
      else known.push(id);
    }
    const acknowledged = this.#writes.filter(({ answer }) => answer === "confirmed" || answer === "queued");
    this.#verdict = {
      checked: acknowledged.length,
      lost: acknowledged.filter(({ title, id }) => !ids.get(title)?.includes(id ?? "")).length,
      doubled: [...ids.values()].filter((found) => found.length > 1).length,
    };
  }
}
