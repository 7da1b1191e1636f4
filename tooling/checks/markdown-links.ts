import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { root } from "./workspace.ts";

/** The links of a text that lead into the repository, without those in code. */
export function localLinks(text: string): readonly string[] {
  const prose = text.replaceAll(/^```.*?^```$/gms, "").replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]*)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/i.test(target));
}

/** The anchors of its headings, as GitHub makes them. */
export function anchors(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const headings = text.replaceAll(/^```.*?^```$/gms, "").matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) => {
      const slug = heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_\- ]/gu, "")
        .replaceAll(" ", "-");
      const count = seen.get(slug) ?? 0;
      seen.set(slug, count + 1);
      return count === 0 ? slug : `${slug}-${count}`;
    }),
  );
}

/** What the links of a file do not find, in words. A folder stands for its README. */
export function deadLinks(file: string, base: string = root): readonly string[] {
  return localLinks(readFileSync(join(base, file), "utf8")).flatMap((link) => {
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? join(base, file) : join(base, dirname(file), path);
    if (!existsSync(target)) return [`${file}: expected ${relative(base, target)} to exist, for the link ${link}`];
    if (anchor === undefined) return [];
    const page = target.endsWith(".md") ? target : join(target, "README.md");
    const isThere = existsSync(page) && anchors(readFileSync(page, "utf8")).has(anchor);
    return isThere ? [] : [`${file}: expected a heading for #${anchor} in ${relative(base, page)}`];
  });
}
