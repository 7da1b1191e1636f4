import { classify } from "./errors.ts";

/** What nobody waits for any more must not become an unhandled rejection, nor go unseen. */
export function reportLeftover(error: unknown): void {
  process.emitWarning(
    `cleaning up after an interrupted call failed: ${classify(error, { effect: "none" }).code}`,
    "DatabaseWarning",
  );
}
