import { expect, test } from "vitest";
import { EventStreams } from "../src/event-streams.ts";
import { json, note, startApp } from "./harness.ts";

/** The events of a stream, as they come. */
async function* eventsOf(answer: Response): AsyncGenerator<{ readonly event: string; readonly data: unknown }> {
  let text = "";
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, event, data] = /event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
      if (event !== undefined) yield { event, data: JSON.parse(data ?? "") };
    }
  }
}

test("changes are told as they happen, after a word that it stands", async () => {
  const { app } = await startApp();
  const events = eventsOf(await app.request("/notes/changes"));
  expect((await events.next()).value).toEqual({ event: "resync", data: { reason: "started" } });
  const made = await app.request("/notes", json("POST", note));
  const path = made.headers.get("location") ?? "";
  const { id } = (await made.json()) as { readonly id: string };
  await app.request(path, json("PATCH", { title: "Bread" }));
  await app.request(path, { method: "DELETE" });
  expect((await events.next()).value).toMatchObject({ event: "created", data: { id, ...note } });
  expect((await events.next()).value).toMatchObject({ event: "updated", data: { id, title: "Bread" } });
  expect((await events.next()).value).toEqual({ event: "deleted", data: { id } });
  await events.return(undefined);
});

test("a stream ends with a word when the service stops", async () => {
  const streams = new EventStreams();
  const { app } = await startApp({ streams });
  const events = eventsOf(await app.request("/notes/changes"));
  await events.next();
  streams.close();
  expect((await events.next()).value).toEqual({ event: "bye", data: {} });
  expect((await events.next()).done).toBe(true);
});

test("a thousand follow, and the next is told when to come again", async () => {
  const streams = new EventStreams();
  const { app } = await startApp({ streams });
  for (let n = 0; n < 1_000; n += 1) streams.open(() => {}, { onClose: () => {} });
  const refused = await app.request("/notes/changes");
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "10"]);
  streams.close();
  expect(streams.size).toBe(0);
});

test("a HEAD opens no stream", async () => {
  const streams = new EventStreams();
  const { app } = await startApp({ streams });
  const answer = await app.request("/notes/changes", { method: "HEAD" });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
  expect(streams.size).toBe(0);
});

test("a client that hangs up leaves nothing behind", async () => {
  const streams = new EventStreams();
  const { app, db } = await startApp({ streams });
  const answer = await app.request("/notes/changes");
  await answer.body?.cancel();
  expect(streams.size).toBe(0);
  await db.disconnect({ drainMs: 10 });
});
