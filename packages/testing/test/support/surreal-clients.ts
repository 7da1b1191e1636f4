import { createNodeEngines } from "@surrealdb/node";
import { Surreal } from "surrealdb";

const scope = { namespace: "test", database: "test" };

export const ROOT = { username: "root", password: "root" };

/** The official SDK, signed in, without its own reconnecting. */
export async function connect(url: string, password = "root"): Promise<Surreal> {
  const db = new Surreal();
  const failure = Promise.withResolvers<never>();
  // `connect` never settles when it cannot (SDK 2.0.8).
  db.subscribe("error", failure.reject);
  db.subscribe("disconnected", () => failure.reject(new Error("disconnected")));
  const authentication = { username: "root", password };
  await Promise.race([db.connect(url, { ...scope, authentication, reconnect: false }), failure.promise]);
  return db;
}

/** The engine without a server, with the same user. */
export async function embedded(): Promise<Surreal> {
  const db = new Surreal({ engines: createNodeEngines() });
  await db.connect("mem://", scope);
  await db.query("DEFINE USER root ON ROOT PASSWORD 'root' ROLES OWNER");
  await db.signin(ROOT);
  return db;
}
