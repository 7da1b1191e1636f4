import { expect, test } from "vitest";
import { type EventStream, EventStreams } from "../src/event-streams.ts";

function openOne(streams: EventStreams): { stream: EventStream; response: Response; closed: () => number } {
  let opened: EventStream | undefined;
  let closed = 0;
  const response = streams.open(
    (stream) => {
      opened = stream;
    },
    {
      onClose: () => {
        closed += 1;
      },
    },
  );
  if (opened === undefined) throw new Error("expected a stream");
  return { stream: opened, response, closed: () => closed };
}

test("an event is a name and a line of JSON", async () => {
  const streams = new EventStreams();
  const { stream, response } = openOne(streams);
  stream.send({ event: "tick", data: { text: "two\nlines" }, id: "7" });
  stream.close();
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  expect(await response.text()).toBe('retry: 1000\n\nid: 7\nevent: tick\ndata: {"text":"two\\nlines"}\n\n');
});

test("the end of the service ends every stream with a word, and new ones at once", async () => {
  const streams = new EventStreams();
  const first = openOne(streams);
  streams.close();
  expect(await first.response.text()).toContain("event: bye");
  expect(first.closed()).toBe(1);
  expect(streams.size).toBe(0);
  expect(await openOne(streams).response.text()).toBe("retry: 1000\n\n");
});

test("a client that reads too slowly loses its stream, not the service its memory", () => {
  const streams = new EventStreams();
  const { stream, closed } = openOne(streams);
  const data = "x".repeat(100_000);
  let sent = 0;
  while (sent < 100 && stream.send({ event: "big", data })) sent += 1;
  expect(sent).toBeGreaterThan(5);
  expect(sent).toBeLessThan(12);
  expect(closed()).toBe(1);
  expect(stream.send({ event: "after", data: {} })).toBe(false);
});

test("a client that goes is forgotten", async () => {
  const streams = new EventStreams();
  const { response, closed } = openOne(streams);
  await response.body?.cancel();
  expect(streams.size).toBe(0);
  expect(closed()).toBe(1);
});
