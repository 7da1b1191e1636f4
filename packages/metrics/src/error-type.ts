/** For errors whose kind cannot be told, as the conventions have it. */
const UNKNOWN = "_OTHER";

/** Of a traced call that has ended: undefined where it succeeded, else the error's code or name. */
export function errorTypeOf(event: object): string | undefined {
  return "error" in event ? typeOf(event.error) : undefined;
}

/** What the database itself answered with, where the error under ours has a short code. */
export function statusCodeOf(event: object): string | undefined {
  if (!("error" in event)) return undefined;
  try {
    const cause = read(event.error, "cause");
    const code = read(cause, "code") ?? read(cause, "kind");
    if (typeof code === "number" && Number.isInteger(code)) return String(code);
    return typeof code === "string" && IDENTIFIER.test(code) ? code : undefined;
  } catch {
    return undefined;
  }
}

/** A code or a name, never a sentence: that may hold a value. */
const IDENTIFIER = /^[A-Za-z_]\w{0,63}$/;

function typeOf(error: unknown): string {
  try {
    const type = read(error, "code") ?? read(error, "name");
    return typeof type === "string" && IDENTIFIER.test(type) ? type : UNKNOWN;
  } catch {
    return UNKNOWN;
  }
}

function read(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
