import { setImmediate as turn } from "node:timers/promises";
import { Uuid } from "surrealdb";
import { beforeEach, describe, expect, test } from "vitest";
import { ExactCodec } from "../src/codec.ts";
import type { RpcReceiver, RpcRequest } from "../src/rpc.ts";
import { SharedMessages } from "../src/shared-messages.ts";

const codec = new ExactCodec();
const session = Uuid.v7();
/** The messages that left, as a server reads them, and who waits for each answer. */
let left: { readonly params: unknown; readonly session: unknown; readonly receiver: RpcReceiver }[];
let isClosed: boolean;
let shared: SharedMessages;

beforeEach(() => {
  left = [];
  isClosed = false;
  shared = new SharedMessages(3, 4_096, (request, receiver) => {
    if (isClosed) throw new Error("closed");
    left.push({ params: codec.decode(codec.encode(request.params)), session: request.session, receiver });
  });
});

class Caller implements RpcReceiver {
  end: readonly unknown[] = [];
  answered = (result: unknown): void => this.#end("answered", result);
  refused = (error: Error): void => this.#end("refused", error.message);
  lost = (cause: unknown): void => this.#end("lost", (cause as Error).message);

  #end(...end: readonly unknown[]): void {
    if (this.end.length > 0) throw new Error("a caller was told twice");
    this.end = end;
  }
}

function send(text: string, values: object, of?: Uuid): Caller {
  const caller = new Caller();
  const request: RpcRequest = { method: "query", params: [text, values], session: of };
  shared.send(request, caller);
  return caller;
}

const READ = "SELECT * FROM ONLY $_id";

describe("statements of one turn", () => {
  test("go together, no parameter meeting another's, and each gets its own answer", async () => {
    const [one, two] = [send(READ, { _id: 1 }), send("CREATE ONLY $_id CONTENT $_data", { _id: 2, _data: { n: 3 } })];
    expect(left).toEqual([]);
    await turn();
    expect(left.map(({ params }) => params)).toEqual([
      ["SELECT * FROM ONLY $_0_id;\nCREATE ONLY $_1_id CONTENT $_1_data", { _0_id: 1, _1_id: 2, _1_data: { n: 3 } }],
    ]);
    left[0]?.receiver.answered(["first", "second"]);
    expect([one.end, two.end]).toEqual([
      ["answered", ["first"]],
      ["answered", ["second"]],
    ]);
  });

  test("that is one goes as it is", async () => {
    const only = send(READ, { _id: 1 });
    await turn();
    expect(left.map(({ params, receiver }) => [params, receiver])).toEqual([[[READ, { _id: 1 }], only]]);
  });

  test("fill one message after the other, and never share with the next turn's", async () => {
    for (let id = 0; id < 7; id += 1) send(READ, { _id: id });
    await turn();
    send(READ, { _id: 7 });
    await turn();
    const counts = left.map(({ params }) => Object.keys((params as readonly [string, object])[1]).length);
    expect(counts).toEqual([3, 3, 1, 1]);
  });

  test("of two sessions never share a message", async () => {
    send(READ, { _id: 1 });
    send(READ, { _id: 2 }, session);
    send(READ, { _id: 3 });
    send(READ, { _id: 4 }, session);
    await turn();
    expect(
      left.map(({ session: of, params }) => [of, Object.values((params as readonly [string, object])[1])]),
    ).toEqual([
      [undefined, [1, 3]],
      [session, [2, 4]],
    ]);
  });

  test("that are large go alone and at once; those between stay far below what a message may be", async () => {
    send(READ, { _id: "x".repeat(200) });
    expect(left).toHaveLength(1);
    shared = new SharedMessages(64, 4_096, (request) => left.push({ ...request, session: 0, receiver: new Caller() }));
    for (let id = 0; id < 20; id += 1) send(READ, { _id: "x".repeat(90) });
    await turn();
    const sizes = left.slice(1).map(({ params }) => codec.encode(params).byteLength);
    expect(sizes.length).toBeGreaterThan(1);
    for (const size of sizes) expect(size).toBeLessThan(2_048);
  });
});

describe("the end of a message", () => {
  test.each([
    ["refused", (receiver: RpcReceiver) => receiver.refused(new Error("no"))],
    ["lost", (receiver: RpcReceiver) => receiver.lost(new Error("no"))],
  ])("that is %s is the end of each in it", async (how, act) => {
    const callers = [send(READ, { _id: 1 }), send(READ, { _id: 2 })];
    await turn();
    for (const { receiver } of left) act(receiver);
    expect(callers.map(({ end }) => end)).toEqual([
      [how, "no"],
      [how, "no"],
    ]);
  });

  test("whose answers are too few tells everybody, rather than give one the answer of another", async () => {
    const callers = [send(READ, { _id: 1 }), send(READ, { _id: 2 })];
    await turn();
    left[0]?.receiver.answered(["only"]);
    expect(callers.map(({ end }) => end[0])).toEqual(["refused", "refused"]);
  });

  test.each([[null], [undefined], [{}], ["no"]])("whose answer is no list (%j) tells everybody", async (odd) => {
    const callers = [send(READ, { _id: 1 }), send(READ, { _id: 2 })];
    await turn();
    left[0]?.receiver.answered(odd);
    expect(callers.map(({ end }) => end[0])).toEqual(["refused", "refused"]);
  });

  test("that could not leave any more is a loss", async () => {
    const callers = [send(READ, { _id: 1 }), send(READ, { _id: 2 })];
    isClosed = true;
    await turn();
    expect(callers.map(({ end }) => end)).toEqual([
      ["lost", "closed"],
      ["lost", "closed"],
    ]);
  });
});

test("what the codec refuses is refused to its caller alone", async () => {
  const fine = send(READ, { _id: 1 });
  expect(() => send(READ, { _id: 2n ** 70n })).toThrow("64 bits");
  await turn();
  expect(left.map(({ receiver }) => receiver)).toEqual([fine]);
});
