import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { asHolder, countHeld } from "../src/holders.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

class Held {
  released = false;
}

/** Work that begins its successor from within, and ends when that has begun its own if it overlaps. */
async function chain(length: number, overlap: boolean): Promise<{ readonly kept: number; readonly counted: number }> {
  const owner = {};
  const refs: WeakRef<Held>[] = [];
  let counted = 0;
  await new Promise<void>((done) => {
    const step = (before: Held | undefined): void => {
      const held = new Held();
      refs.push(new WeakRef(held));
      asHolder(held, owner, () => {
        counted = Math.max(counted, countHeld(owner));
        if (before !== undefined) before.released = true;
        if (!overlap) held.released = true;
        if (refs.length < length) setImmediate(step, overlap ? held : undefined);
        else
          setImmediate(() => {
            collect();
            done();
          });
      });
    };
    step(undefined);
  });
  return { kept: refs.filter((ref) => ref.deref() !== undefined).length, counted };
}

test.each([
  ["ends before its successor begins", false, 1],
  ["ends while its successor runs", true, 2],
])("work that starts its successor from within, and %s, keeps no chain of contexts", async (_, overlap, holds) => {
  const { kept, counted } = await chain(200, overlap);
  expect(kept).toBeLessThan(10);
  expect(counted).toBe(holds);
});
