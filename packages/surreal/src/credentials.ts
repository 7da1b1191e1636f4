import { DatabaseErrorOf, isDatabaseError, isPlainObject } from "@db/core";
import { type Authentication, type Credentials, checkCredentials, signInParameters } from "./authentication.ts";
import { classify, isUnreadableToken } from "./errors.ts";
import type { RpcRequest } from "./rpc.ts";
import { untilAborted } from "./until-aborted.ts";

/** Sends a request in the session that is to be signed in. */
export type Ask = (request: Pick<RpcRequest, "method" | "params">) => Promise<unknown>;

/** A session that is signed in knows until when. */
export interface Admission {
  /** For protocols that send it along with each request; undefined for nobody. */
  readonly token: string | undefined;
  /** When to sign in anew, ahead of the end; on the `performance.now()` scale. `Infinity`: never. */
  readonly renewAt: number;
  readonly expiresAt: number;
}

interface Token extends Admission {
  readonly token: string;
}

const FOREVER = Number.POSITIVE_INFINITY;
/** The part of a token's life, and the most of it, that is left when it is renewed. */
const MARGIN_RATIO = 0.2;
const MARGIN_MS = 60_000;

/**
 * Who we are. A sign-in by password costs the server up to 130 ms of computing, a token next to nothing: so it is done once,
 * by one session, and all others use its token until shortly before it ends or is refused.
 */
export class SharedCredentials {
  readonly #authentication: Authentication;
  readonly #home: { readonly namespace: string; readonly database: string };
  #token: Token | undefined;
  #signingIn: Promise<unknown> | undefined;

  constructor(authentication: Authentication, home: { readonly namespace: string; readonly database: string }) {
    this.#authentication = authentication;
    this.#home = home;
  }

  /**
   * Signs a session in.
   * @param signal ends the wait
   * @throws DatabaseError AUTHENTICATION_FAILED; CONNECTION_FAILED where the function of the options throws; the loss of the connection; the signal's reason
   */
  async admit(ask: Ask, signal: AbortSignal): Promise<Admission> {
    // One session signs in for all; those who came meanwhile use its token, or find that there is none.
    while (this.#signingIn !== undefined) await untilAborted(this.#signingIn.catch(ignore), signal);
    const token = this.#token;
    if (token !== undefined && performance.now() < token.renewAt) {
      try {
        await ask({ method: "authenticate", params: [token.token] });
        return token;
      } catch (error) {
        if (classify(error, { effect: "none" }).code !== "AUTHENTICATION_FAILED") throw error;
        this.forget(token);
        return this.admit(ask, signal);
      }
    }
    // A function of the options may never settle: its session gives up with the signal, and the next one asks anew.
    const signingIn = untilAborted(this.#signIn(ask), signal);
    this.#signingIn = signingIn;
    try {
      return await signingIn;
    } finally {
      this.#signingIn = undefined;
    }
  }

  /** A token that was refused is not tried again. */
  forget(refused: Admission | undefined): void {
    if (refused === undefined || this.#token === refused) this.#token = undefined;
  }

  async #signIn(ask: Ask): Promise<Admission> {
    const credentials = await this.#provide();
    if (credentials === null) return { token: undefined, renewAt: FOREVER, expiresAt: FOREVER };
    if (typeof credentials === "string") {
      await ask({ method: "authenticate", params: [credentials] }).catch(asRefusal);
      const token = readToken(credentials);
      // Without somebody to give us another there is nothing to renew it with.
      this.#token = typeof this.#authentication === "function" ? token : { ...token, renewAt: token.expiresAt };
    } else {
      const answer = await ask({ method: "signin", params: [signInParameters(credentials, this.#home)] });
      this.#token = readToken(tokenText(answer));
    }
    return this.#token;
  }

  async #provide(): Promise<Credentials> {
    const authentication = this.#authentication;
    if (typeof authentication !== "function") return authentication;
    const given = await called(authentication);
    try {
      return checkCredentials(given);
    } catch (cause) {
      const message = `authentication: ${cause instanceof Error ? cause.message : "what it gave is no credentials"}`;
      throw new DatabaseErrorOf("AUTHENTICATION_FAILED", message, {}, { cause });
    }
  }
}

/** What somebody else's function throws is not the database's word, however much it looks like it. */
async function called(authentication: () => unknown): Promise<unknown> {
  try {
    return await authentication();
  } catch (cause) {
    if (isDatabaseError(cause)) throw cause;
    const message = "the function that gives the credentials failed; see cause";
    throw new DatabaseErrorOf("CONNECTION_FAILED", message, {}, { cause });
  }
}

/** What is no token will be none the next time. */
function asRefusal(error: unknown): never {
  if (!isUnreadableToken(error)) throw error;
  const message = "the database cannot read the token; see cause";
  throw new DatabaseErrorOf("AUTHENTICATION_FAILED", message, {}, { cause: error });
}

/** Servers answer the token alone, or together with one to refresh it by. */
function tokenText(answer: unknown): string {
  if (typeof answer === "string") return answer;
  if (isPlainObject(answer) && typeof answer.access === "string") return answer.access;
  throw new Error("the server answered a sign-in without a token");
}

/** By how long it lives, not by when it ends: the server's clock may be another than ours. */
function readToken(token: string): Token {
  const lifetimeMs = lifetimeOf(token);
  const now = performance.now();
  const expiresAt = now + lifetimeMs;
  return { token, expiresAt, renewAt: expiresAt - Math.min(MARGIN_MS, lifetimeMs * MARGIN_RATIO) };
}

function lifetimeOf(text: string): number {
  const claims = claimsOf(text);
  if (typeof claims.exp !== "number") return FOREVER;
  const from = typeof claims.iat === "number" ? claims.iat : Date.now() / 1_000;
  return Math.max(0, (claims.exp - from) * 1_000);
}

/** What is no JWT has no end that we could know. */
function claimsOf(text: string): { readonly [claim: string]: unknown } {
  try {
    const claims: unknown = JSON.parse(Buffer.from(text.split(".")[1] ?? "", "base64url").toString());
    return isPlainObject(claims) ? claims : {};
  } catch {
    return {};
  }
}

function ignore(): void {}
