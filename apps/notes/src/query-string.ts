import { DatabaseErrorOf, type Issue } from "@db/core";

/** What is told of a name that the client chose. */
const MAX_NAME = 64;

/**
 * The parameters of a URL.
 * @throws VALIDATION_FAILED naming a parameter that is given twice, or whose percent-encoding is no UTF-8
 */
export function parseQueryString(url: string): Readonly<Record<string, string>> {
  const start = url.indexOf("?");
  const end = url.indexOf("#");
  const search = start < 0 ? "" : url.slice(start + 1, end < 0 ? undefined : end);
  const found = new Map<string, string>();
  for (const pair of search.split("&")) {
    if (pair === "") continue;
    const [name = "", ...rest] = pair.split("=");
    const key = decode(name, name);
    if (found.has(key)) throw fault(key, "repeated", "one value, but it is given twice");
    found.set(key, decode(rest.join("="), key));
  }
  return Object.fromEntries(found);
}

function decode(text: string, name: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw fault(name, "utf8", "percent-encoded UTF-8");
  }
}

function fault(name: string, rule: string, expected: string): Error {
  const shown = name.length > MAX_NAME ? `${name.slice(0, MAX_NAME).toWellFormed()}…` : name;
  const issue: Issue = { path: [shown], rule, expected };
  return new DatabaseErrorOf("VALIDATION_FAILED", `parameters: expected ${shown} to be ${expected}`, {
    issues: [issue],
  });
}
