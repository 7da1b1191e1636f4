import { expect } from "vitest";

/** A note as the service answers with it. */
export interface NoteJson {
  readonly id: string;
  readonly title: string;
}

/** Every note of the service by its id, through all pages. */
export async function allNotes(url: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  let cursor = "";
  do {
    const answer = await fetch(`${url}/notes?limit=100${cursor}`);
    expect(answer.status).toBe(200);
    const { items, next } = (await answer.json()) as {
      readonly items: readonly NoteJson[];
      readonly next: string | null;
    };
    for (const { id, title } of items) found.set(id, title);
    cursor = next === null ? "" : `&cursor=${encodeURIComponent(next)}`;
  } while (cursor !== "");
  return found;
}
