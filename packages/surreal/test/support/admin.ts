import type { SurrealServer } from "@db/testing";
import { Surreal } from "surrealdb";

export const PLACE = { namespace: "test", database: "test" } as const;
export const ROOT = { username: "root", password: "root" } as const;

/** Looks at the server past whatever a test does to its connections: a session of its own for each question. */
export async function ask<R extends unknown[]>(
  server: SurrealServer,
  text: string,
  values: { readonly [name: string]: unknown } = {},
  user: { readonly username: string; readonly password: string } = ROOT,
): Promise<R> {
  const db = new Surreal();
  await db.connect(server.url, { ...PLACE, authentication: user, reconnect: false });
  try {
    return (await db.query(text, { ...values })) as R;
  } finally {
    await db.close();
  }
}

/** What the server gives the root user for signing in. */
export async function tokenOf({ url }: SurrealServer): Promise<string> {
  const db = new Surreal();
  await db.connect(url, { reconnect: false });
  const { access } = await db.signin(ROOT);
  await db.close();
  return access;
}
