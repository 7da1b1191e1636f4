import { Duration, toSurqlString } from "surrealdb";
import type { RawEngine } from "./surreal-engine.ts";
import { SessionId } from "./surreal-uuid.ts";

export interface RootUser {
  readonly user: string;
  readonly password: string;
  readonly tokenTtlMs: number | undefined;
  readonly sessionTtlMs: number | undefined;
}

const HOUR_MS = 3_600_000;

/** Makes the root user what it is to be; tokens that were given out stay valid. */
export async function defineRootUser(engine: RawEngine, root: RootUser): Promise<void> {
  const session = new SessionId();
  // A password must be a literal, which the SDK writes.
  const password = toSurqlString(root.password).replace(/^s(?=["'])/, "");
  const text = `DEFINE USER OVERWRITE $user ON ROOT PASSWORD ${password} ROLES OWNER DURATION FOR TOKEN $token_ttl, FOR SESSION $session_ttl`;
  const values = {
    user: root.user,
    token_ttl: milliseconds(root.tokenTtlMs ?? HOUR_MS),
    session_ttl: root.sessionTtlMs === undefined ? undefined : milliseconds(root.sessionTtlMs),
  };
  await engine.call("attach", [], session);
  try {
    await engine.query(text, values, session);
  } finally {
    await engine.call("detach", [], session);
  }
}

function milliseconds(count: number): Duration {
  return new Duration(`${Math.ceil(count)}ms`);
}
