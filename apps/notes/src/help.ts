import { type Group, type Setting, settings } from "./settings.ts";

const GROUPS: readonly Group[] = ["Essentials", "Frequently used", "Rarely used"];

/** What `--help` prints. */
export function help(): string {
  const all: readonly Setting<unknown>[] = Object.values(settings);
  const sections = GROUPS.map((group) => {
    const entries = all.filter((setting) => setting.group === group).map(entry);
    return `${group}:\n${entries.join("\n")}`;
  });
  return `Usage: npm start

A service that keeps notes, over HTTP. It is configured by environment variables:

${sections.join("\n\n")}

SIGTERM or Ctrl-C ends it cleanly, a second one at once. It ends with 0; with 1 when it could not go on; with 2 when its
configuration was wrong.
`;
}

function entry({ variable, fallback, expected, meaning }: Setting<unknown>): string {
  return `  ${variable} (${fallback === "" ? "none" : fallback})\n      ${meaning}\n      Expected: ${expected}.`;
}
