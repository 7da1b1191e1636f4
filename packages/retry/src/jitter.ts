/**
 * How delays are spread, so that callers that failed together do not come back together.
 *
 * - `none`: not at all. For one caller alone.
 * - `additive`: the delay plus 0..`jitterMs`. Keeps a minimum between attempts; for a supervisor that dials alone.
 * - `full`: 0..delay. Spreads widest and sends least; for many callers of one service.
 * - `equal`: half of the delay plus 0..half of it.
 * - `decorrelated`: from `baseMs` to a multiple of the delay before (3 for the factor 2), so that callers drift apart.
 *
 * `full`, `equal` and `decorrelated` are those of Marc Brooker's simulator (aws-arch-backoff-simulator). There and in most
 * libraries the cap is applied last, and cuts decorrelated and additive jitter off just when everybody is at the cap.
 * Here the cap comes first.
 */
export type Jitter = "none" | "additive" | "full" | "equal" | "decorrelated";

export const JITTERS: readonly Jitter[] = ["none", "additive", "full", "equal", "decorrelated"];

/** What a random source gives, held to 0..1: a strange one must not break the bounds of a delay. */
export function draw(random: () => number): number {
  const drawn = random();
  return drawn > 0 ? Math.min(drawn, 1) : 0;
}
