import { DatabaseErrorOf, type Issue } from "@db/core";

/**
 * The parameters of a URL. One that is given twice is an array, for the schema to refuse.
 * @throws VALIDATION_FAILED naming the parameter whose percent-encoding is no UTF-8
 */
export function parseQueryString(url: string): Readonly<Record<string, string | readonly string[]>> {
  const start = url.indexOf("?");
  const end = url.indexOf("#");
  const search = start < 0 ? "" : url.slice(start + 1, end < 0 ? undefined : end);
  const found = new Map<string, readonly string[]>();
  for (const pair of search.split("&")) {
    if (pair === "") continue;
    const [name = "", ...rest] = pair.split("=");
    const key = decode(name, name);
    found.set(key, [...(found.get(key) ?? []), decode(rest.join("="), key)]);
  }
  return Object.fromEntries([...found].map(([name, values]) => [name, only(values)]));
}

function only(values: readonly string[]): string | readonly string[] {
  const [first = "", ...others] = values;
  return others.length === 0 ? first : values;
}

function decode(text: string, name: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    const issue: Issue = { path: [name], rule: "utf8", expected: "percent-encoded UTF-8" };
    throw new DatabaseErrorOf("VALIDATION_FAILED", `expected ${issue.expected}`, { issues: [issue] });
  }
}
