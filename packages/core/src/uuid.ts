import { getRandomValues } from "node:crypto";
import { V7Generator } from "uuidv7";

/** Drawn at once. The generator's own source draws eight, which takes longer than all else about an id. */
const WORDS = 1_024;

class RandomWords {
  readonly #words = new Uint32Array(WORDS);
  #used = WORDS;

  nextUint32(): number {
    if (this.#used === WORDS) {
      getRandomValues(this.#words);
      this.#used = 0;
    }
    this.#used += 1;
    return this.#words[this.#used - 1] as number;
  }
}

let generator: V7Generator | undefined;

/** A UUIDv7 (RFC 9562), each greater than the one before in this process. */
export function newUuid(): string {
  generator ??= new V7Generator(new RandomWords());
  return generator.generate().toString();
}
