import type { DatabaseService } from "@db/core";
import { RecordId, type Surreal, Uuid } from "surrealdb";
import type { Call } from "./load.ts";

/** Each kind of call, first the SDK's, which the others are compared with. */
export interface Compared {
  readonly reads: readonly Call[];
  readonly writes: readonly Call[];
}

export const note = { title: "a title", content: "x".repeat(200), tags: ["a", "b"], n: 1 };

/** Of the same kind as ours: a row costs the server more under a longer key. */
export const newId = (): RecordId => new RecordId("made", Uuid.v7().toString());

/** @param ours by the name that they have in the results */
export function compared(raw: Surreal, ours: { readonly [name: string]: DatabaseService }): Compared {
  const id = new RecordId("notes", "1");
  const each = (kind: string, run: (db: DatabaseService) => Promise<unknown>): readonly Call[] =>
    Object.entries(ours).map(([name, db]) => ({ name: `${kind}, ${name}`, run: () => run(db) }));
  const read = (): Promise<unknown> => raw.query("SELECT * FROM ONLY $id", { id }).collect();
  const create = (): Promise<unknown> =>
    raw.query("CREATE ONLY $id CONTENT $note RETURN NONE", { id: newId(), note }).collect();
  return {
    reads: [{ name: "read, SDK", run: read }, ...each("read", (db) => db.read("notes:1"))],
    writes: [{ name: "create, SDK", run: create }, ...each("create", (db) => db.create("made", note))],
  };
}
