import { createHash, timingSafeEqual } from "node:crypto";
import { HttpFault } from "./problem.ts";

/** Whoever knows the operator's token. Without a token there is no operator. */
export class Operator {
  readonly #digest: Buffer | undefined;

  constructor(token: string) {
    this.#digest = token === "" ? undefined : digest(token);
  }

  get exists(): boolean {
    return this.#digest !== undefined;
  }

  /** Whether an `Authorization` header is the operator's. Takes the same time for any token. */
  is(authorization: string | undefined): boolean {
    const [, token] = /^Bearer ([!-~]{1,256})$/.exec(authorization ?? "") ?? [];
    return this.#digest !== undefined && token !== undefined && timingSafeEqual(this.#digest, digest(token));
  }

  /** @throws HttpFault 401, or 403 where nobody is an operator */
  check(authorization: string | undefined): void {
    if (!this.exists)
      throw new HttpFault(403, "nothing can be changed here: the service was started without OPS_TOKEN");
    if (!this.is(authorization))
      throw new HttpFault(401, "expected the operator's token", { headers: { "www-authenticate": "Bearer" } });
  }
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
