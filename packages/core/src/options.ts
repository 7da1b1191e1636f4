/** How to name a value in a message: its type and, where that is safe and short, the value. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "number" || typeof value === "boolean") return `${value} (${typeof value})`;
  if (typeof value === "object") return className(value);
  return typeof value;
}

/** By the prototype: a field named `constructor` would put the input's own text into the message. */
function className(value: object): string {
  try {
    if (Array.isArray(value)) return "an array";
    const prototype = Object.getPrototypeOf(value) as { readonly constructor?: { readonly name?: unknown } } | null;
    const name = prototype?.constructor?.name;
    return typeof name === "string" && name !== "" ? name : "an object";
  } catch {
    // Whoever tells of a fault must not fail over it.
    return "an object";
  }
}

/** A wrong option is a mistake in the program, found at construction: "expected X, got Y". */
export function expected(option: string, what: string, got: unknown): TypeError {
  return new TypeError(`${option}: expected ${what}, got ${describe(got)}`);
}

/** Rejects unknown keys, which catches the typo `timeoutMS`, and what is no object: a bare number has no keys at all. */
export function checkKeys(subject: string, options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw expected(subject, "an object of options", options);
  for (const key of Object.keys(options)) {
    if (!known.includes(key))
      throw new TypeError(`${subject}: unknown option "${key}", expected one of ${known.join(", ")}`);
  }
}

/** The longest delay that a timer can hold: 2³¹ − 1 ms, about 24.8 days. */
export const MAX_TIMER_MS = 2_147_483_647;

export function isDuration(value: unknown): value is number {
  return typeof value === "number" && value > 0 && value <= MAX_TIMER_MS;
}

/** A duration in milliseconds that a timer can hold; more than zero. */
export function checkDuration(option: string, value: unknown): number {
  if (isDuration(value)) return value;
  throw expected(option, `a number of milliseconds in 1..${MAX_TIMER_MS}`, value);
}

/** A proxy of a signal is an instance of it too, and may throw when it is asked. */
export function isSignal(value: unknown): value is AbortSignal {
  try {
    return value instanceof AbortSignal && typeof value.aborted === "boolean";
  } catch {
    return false;
  }
}

/** An AbortSignal, or none. @throws TypeError */
export function checkSignal(option: string, value: AbortSignal | undefined): AbortSignal | undefined {
  if (value === undefined || isSignal(value)) return value;
  throw expected(option, "an AbortSignal", value);
}

/** An integer in `min..max`. @throws TypeError */
export function checkInteger(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw expected(option, `an integer in ${min}..${max}`, value);
}
