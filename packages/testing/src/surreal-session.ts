import { asBuffer, isFailed, NOT_SIGNED_IN, SESSION_EXPIRED } from "./surreal-reply.ts";
import { SessionId } from "./surreal-uuid.ts";

/** What anybody may ask; all else runs statements. */
const PUBLIC: ReadonlySet<string> = new Set([
  "attach",
  "authenticate",
  "begin",
  "cancel",
  "commit",
  "detach",
  "invalidate",
  "let",
  "ping",
  "refresh",
  "reset",
  "revoke",
  "sessions",
  "set",
  "signin",
  "signup",
  "unset",
  "use",
  "version",
]);

const SIGNS_IN: ReadonlySet<string> = new Set(["authenticate", "refresh", "signin", "signup"]);
const SIGNS_OUT: ReadonlySet<string> = new Set(["invalidate", "reset"]);

/**
 * A session of the engine and the gate before it: the embedded engine runs with authentication off, where a session that
 * never signed in is the owner of all. What a signed-in user may do, the engine decides.
 */
export class GatedSession {
  readonly id: SessionId = new SessionId();
  #state: "anonymous" | "signed in" | "expired" = "anonymous";

  /** Why this method is refused, as the engine would answer it. */
  refusal(method: string): Buffer | undefined {
    if (this.#state === "signed in" || PUBLIC.has(method)) return undefined;
    return this.#state === "expired" ? SESSION_EXPIRED : NOT_SIGNED_IN;
  }

  /** Follows what the engine answered. */
  answered(method: string, answer: Uint8Array): void {
    const signsIn = SIGNS_IN.has(method);
    if (!signsIn && !SIGNS_OUT.has(method)) return;
    if (!isFailed(asBuffer(answer))) this.#state = signsIn ? "signed in" : "anonymous";
  }

  expire(): void {
    if (this.#state === "signed in") this.#state = "expired";
  }
}
