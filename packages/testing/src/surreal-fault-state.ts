import { setTimeout } from "node:timers/promises";
import { NO_FAULTS, type SurrealFaults } from "./surreal-faults.ts";
import { encode } from "./surreal-reply.ts";
import type { RpcRequest } from "./surreal-request.ts";

/** What becomes of one request. */
export interface Fate {
  /** Answered with this, without the engine. */
  readonly answer: Buffer | undefined;
  readonly isDropped: boolean;
  /** It is never answered. */
  readonly isIgnored: boolean;
  readonly delayMs: number;
}

const FINE: Fate = { answer: undefined, isDropped: false, isIgnored: false, delayMs: 0 };

/** The faults that are on, and what was counted. */
export class FaultState {
  now: SurrealFaults = NO_FAULTS;
  requests = 0;
  dials = 0;
  #dropsLeft = 0;
  #refusalsLeft = 0;
  #isHarmless = true;

  set(faults: Partial<SurrealFaults>): void {
    this.now = { ...this.now, ...faults, expireSessions: false, dropSockets: undefined };
    if (faults.dropBeforeReply !== undefined) this.#dropsLeft = faults.dropBeforeReply;
    if (faults.refuseDials !== undefined) this.#refusalsLeft = faults.refuseDials;
    const { delayMs, version, versionNever } = this.now;
    this.#isHarmless = delayMs === 0 && version === undefined && !versionNever;
  }

  /** Whether this dial is let in. */
  dial(): boolean {
    this.dials += 1;
    if (this.#refusalsLeft === 0) return true;
    this.#refusalsLeft -= 1;
    return false;
  }

  meet(request: RpcRequest): Fate {
    if (this.#isHarmless && this.#dropsLeft === 0) return FINE;
    const isMeant = this.#isMeant(request);
    const isDropped = isMeant && this.#dropsLeft > 0;
    if (isDropped) this.#dropsLeft -= 1;
    const isVersion = request.method === "version";
    return {
      answer: isVersion && this.now.version !== undefined ? encode(claimed(this.now.version)) : undefined,
      isDropped,
      isIgnored: isVersion && this.now.versionNever,
      delayMs: isMeant ? this.now.delayMs : 0,
    };
  }

  /** Does not keep the process. */
  wait(ms: number): Promise<void> {
    return setTimeout(ms, undefined, { ref: false });
  }

  #isMeant({ method, bytes }: RpcRequest): boolean {
    const { methods, containing } = this.now;
    return (methods?.includes(method) ?? true) && (containing === undefined || bytes.includes(containing));
  }
}

/** A version as a server tells it. */
export function claimed(version: string): string {
  return /^\d/.test(version) ? `surrealdb-${version}` : version;
}
