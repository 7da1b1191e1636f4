const MIN_GONE = 1_024;

/** First in, first out, for numbers: taking one costs no more with a million behind it. */
export class Line {
  readonly #waiting: number[] = [];
  #at = 0;

  push(number: number): void {
    this.#waiting.push(number);
  }

  shift(): number | undefined {
    if (this.#at === this.#waiting.length) return undefined;
    const number = this.#waiting[this.#at];
    this.#at += 1;
    if (this.#at >= MIN_GONE && this.#at * 2 >= this.#waiting.length) {
      this.#waiting.splice(0, this.#at);
      this.#at = 0;
    }
    return number;
  }
}
