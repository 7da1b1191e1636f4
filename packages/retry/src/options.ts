/** The longest delay that a timer can hold: 2³¹ − 1 ms, about 24.8 days. A longer one would fire at once. */
export const MAX_TIMER_MS = 2_147_483_647;

/** How to name a value in a message: its type and, where that is safe and short, the value. */
function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "number" || typeof value === "boolean") return `${value} (${typeof value})`;
  if (typeof value !== "object") return typeof value;
  return Array.isArray(value) ? "an array" : "an object";
}

/** A wrong option is a mistake in the program, found at construction: "expected X, got Y". */
export function expected(option: string, what: string, got: unknown): TypeError {
  return new TypeError(`${option}: expected ${what}, got ${describe(got)}`);
}

/** Rejects unknown keys, which catches the typo `maxElapsedMS`. */
export function checkKeys(subject: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) throw expected(subject, "an object of options", options);
  for (const key of Object.keys(options)) {
    if (!known.includes(key))
      throw new TypeError(`${subject}: unknown option "${key}", expected one of ${known.join(", ")}`);
  }
}

export function checkNumber(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw expected(option, `a number in ${min}..${max}`, value);
}

/** A count of 1 or more. */
export function checkInteger(option: string, value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw expected(option, "an integer of 1 or more", value);
}

/** A duration in milliseconds that a timer can hold; more than zero. */
export function checkDuration(option: string, value: unknown): number {
  if (typeof value === "number" && value > 0 && value <= MAX_TIMER_MS) return value;
  throw expected(option, `a number of milliseconds in 1..${MAX_TIMER_MS}`, value);
}

/** A duration, or `Infinity` for no limit at all. */
export function checkLimit(option: string, value: unknown): number {
  if (value === Number.POSITIVE_INFINITY) return value;
  if (typeof value === "number" && value > 0 && value <= MAX_TIMER_MS) return value;
  throw expected(option, `a number of milliseconds in 1..${MAX_TIMER_MS} or Infinity`, value);
}

export function checkFunction<F>(option: string, value: F | undefined): F | undefined {
  if (value === undefined || typeof value === "function") return value;
  throw expected(option, "a function", value);
}
