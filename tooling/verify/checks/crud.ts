import type { Check } from "../check.ts";
import { timed } from "../measure.ts";
import { jsonRequest, note } from "../requests.ts";
import { startNotes } from "../service.ts";

export const crud: Check = {
  name: "crud",
  about: "notes are made, read, listed, changed and taken away over HTTP",
  async run({ claim }, ground) {
    const { url } = await startNotes(ground);
    const made = await timed(() => fetch(`${url}/notes`, jsonRequest("POST", note, { "idempotency-key": "verify-1" })));
    const record = (await made.value.json()) as { readonly id: string };
    claim("POST is 201 with a Location", made.value.status === 201 && made.value.headers.has("location"), told(made));
    const at = `${url}/notes/${record.id}`;

    const again = await fetch(`${url}/notes`, jsonRequest("POST", note, { "idempotency-key": "verify-1" }));
    const repeated = (await again.json()) as { readonly id: string };
    claim(
      "… sent again under its Idempotency-Key it is the same note",
      again.status === 201 && repeated.id === record.id,
      String(again.status),
    );
    const other = jsonRequest("POST", { ...note, title: "Bread" }, { "idempotency-key": "verify-1" });
    const reused = await fetch(`${url}/notes`, other);
    claim("… with another body it is 422", reused.status === 422, String(reused.status));

    const read = await timed(() => fetch(at));
    const etag = read.value.headers.get("etag") ?? "";
    claim("GET is 200 with the note and its tag", isSame(await read.value.json(), record) && etag !== "", told(read));
    const page = (await (await fetch(`${url}/notes?author=ada`)).json()) as { readonly items: readonly unknown[] };
    claim("a list finds it once", page.items.length === 1, `found ${page.items.length}`);

    const change = jsonRequest("PATCH", { title: "Oat milk" }, { "if-match": etag });
    const changed = await timed(() => fetch(at, change));
    const now = (await changed.value.json()) as { readonly title?: string };
    claim(
      "PATCH with the tag that was seen is 200",
      changed.value.status === 200 && now.title === "Oat milk",
      told(changed),
    );
    const stale = await fetch(at, change);
    claim("… with an old one 412", stale.status === 412, String(stale.status));

    const bulk = await fetch(`${url}/notes/bulk`, jsonRequest("POST", { items: [note, { title: "" }] }));
    const { items } = (await bulk.json()) as { readonly items: readonly { readonly status: number }[] };
    const statuses = items.map(({ status }) => status).join(" ");
    claim(
      "of two at once the good one is made",
      bulk.status === 207 && statuses === "201 400",
      `${bulk.status}: ${statuses}`,
    );
    const lines = (await (await fetch(`${url}/notes/export`)).text()).trim().split("\n");
    claim("the export has a line for each note", lines.length === 2, `${lines.length} lines`);

    const removed = await timed(() => fetch(at, { method: "DELETE" }));
    claim("DELETE is 204", removed.value.status === 204, told(removed));
    const gone = await fetch(at);
    claim("… and the note is gone", gone.status === 404, String(gone.status));
  },
};

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function told({ value, ms }: { readonly value: Response; readonly ms: number }): string {
  return `${value.status}, ${ms.toFixed(1)} ms`;
}
