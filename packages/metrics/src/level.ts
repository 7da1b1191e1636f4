/**
 * How much is told; each level tells all that the one before does.
 * - `basic`: what a dashboard and alerts need. No collection names, no spans.
 * - `detailed`: collections, server addresses, times of connections; spans without text.
 * - `all`: summaries and sanitised texts of queries, rows returned.
 */
export type Level = "basic" | "detailed" | "all";

export const LEVELS: readonly Level[] = ["basic", "detailed", "all"];

export function reaches(level: Level, needed: Level): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(needed);
}
