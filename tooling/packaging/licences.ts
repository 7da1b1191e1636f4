import type { Manifest } from "../checks/workspace.ts";

/** Licences that allow use anywhere, also in closed services; anything else is a decision to take. */
export const freeLicences: readonly string[] = [
  "MIT",
  "ISC",
  "Apache-2.0",
  "0BSD",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "Unlicense",
];

/** Older packages have a list of objects. */
export function licenceOf({ license, licenses = [] }: Manifest): string {
  return license ?? (licenses.map(({ type }) => type).join(" OR ") || "none");
}
