import { MARK } from "./marks.ts";

const MAX_DEPTH = 50;

/**
 * Whether a value needs no closer look: JSON keeps it as it is, and every database takes it. Most writes are; the rest goes
 * the slower ways of `checkValue`, `copyValue` and marks.
 */
export function isPlainJson(value: unknown, depth = 0): boolean {
  switch (typeof value) {
    case "string":
      return value.isWellFormed();
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object":
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth > MAX_DEPTH) return false;
  // Also one that is not enumerable, or stands on an array, speaks for its object.
  if (typeof (value as { readonly toJSON?: unknown }).toJSON === "function") return false;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) if (!isPlainJson(value[index], depth + 1)) return false;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  for (const name in value) {
    if (!isPlainName(name)) return false;
    if (!isPlainJson((value as { readonly [field: string]: unknown })[name], depth + 1)) return false;
  }
  return true;
}

function isPlainName(name: string): boolean {
  return name !== "" && !name.startsWith(MARK) && name !== "__proto__" && !name.includes("\0") && name.isWellFormed();
}
