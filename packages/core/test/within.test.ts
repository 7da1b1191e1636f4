import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type CallContext, DatabaseErrorOf, interrupted, runCall, untilInterrupted } from "../src/index.ts";
import { checkLeaksAfterEach } from "./support/leaks.ts";
import { failure, hang, rejection } from "./support/service.ts";

checkLeaksAfterEach();

const inCall = <T>(work: (context: CallContext) => Promise<T>, timeoutMs = 1_000): Promise<T> =>
  runCall({ timeoutMs }, work);
const listen = (context: CallContext): Promise<never> => untilInterrupted(hang(), context, "none");

describe("within", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("without limits of its own is the call itself", async () => {
    await inCall(async (context) => {
      await context.within({}, async (inner) => expect(inner).toBe(context));
      await context.within({ operationId: "op" }, async (inner) => {
        expect([inner.operationId, inner.deadline]).toEqual(["op", context.deadline]);
      });
    });
  });

  test("has a deadline of its own, unless the call's comes first", async () => {
    await inCall(async (context) => {
      await context.within({ timeoutMs: 100 }, async (inner) => {
        expect(inner.deadline).toBe(performance.now() + 100);
        expect(inner.operationId).toBe(context.operationId);
      });
      await context.within({ timeoutMs: 5_000 }, async (inner) => expect(inner).toBe(context));
    });
  });

  test("ends with QUERY_TIMEOUT of its own, and the call goes on", async () => {
    const done = inCall(async (context) => {
      expect(await failure(context.within({ timeoutMs: 100 }, listen))).toMatchObject({ facts: { timeoutMs: 100 } });
      expect(context.aborted).toBe(false);
      return "went on";
    });
    await vi.advanceTimersByTimeAsync(100);
    expect(await done).toBe("went on");
  });

  test("ends with the call around it, at any depth", async () => {
    const seen: unknown[] = [];
    const failed = failure(
      inCall(
        (context) =>
          context.within({ timeoutMs: 900 }, (middle) =>
            middle.within({ timeoutMs: 800 }, async (inner) => {
              await listen(inner.with({ attempt: 2 })).catch(() =>
                seen.push(inner.aborted, middle.aborted, context.aborted),
              );
              throw interrupted(inner, "none");
            }),
          ),
        500,
      ),
    );
    await vi.advanceTimersByTimeAsync(500);
    expect(await failed).toMatchObject({ code: "QUERY_TIMEOUT", facts: { timeoutMs: 500 } });
    expect(seen).toEqual([true, true, true]);
  });

  test("made after the call has ended, it is over before it begins, even where nobody asked for a signal", async () => {
    const work = vi.fn(listen);
    const kept = await inCall(async (context) => context, 100);
    const signal = AbortSignal.abort("gone");
    expect(await failure(kept.within({ signal }, work))).toMatchObject({ code: "CANCELLED", cause: "gone" });
    expect(work).not.toHaveBeenCalled();
  });

  test("does not start work when the call has been stopped", async () => {
    const work = vi.fn(listen);
    const failed = failure(
      inCall(async (context) => {
        await listen(context).catch(() => {});
        return context.within({ timeoutMs: 10 }, work);
      }, 50),
    );
    await vi.advanceTimersByTimeAsync(50);
    expect(await failed).toMatchObject({ code: "QUERY_TIMEOUT", facts: { timeoutMs: 50 } });
    expect(work).not.toHaveBeenCalled();
  });

  test("listens to a signal of its own as well, and lets go of it", async () => {
    const controller = new AbortController();
    await inCall(async (context) => {
      const stopped = failure(context.within({ signal: controller.signal }, listen));
      expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
      controller.abort("gone");
      expect(await stopped).toMatchObject({ code: "CANCELLED", cause: "gone" });
      expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
    });
  });

  test("keeps the signal that a layer put in the place of the call's, beside its own", async () => {
    const [layer, own] = [new AbortController(), new AbortController()];
    await inCall(async (context) => {
      const changed = context.with({ signal: layer.signal, attempt: 3 });
      const one = failure(changed.within({ timeoutMs: 100 }, listen));
      const other = failure(changed.within({ signal: own.signal }, listen));
      own.abort("own");
      expect(await other).toMatchObject({ cause: "own" });
      layer.abort("layer");
      expect(await one).toMatchObject({ cause: "layer" });
      await context.with({ attempt: 3 }).within({ timeoutMs: 10 }, async (inner) => expect(inner.attempt).toBe(3));
    });
  });

  test("work that throws at once or gives no promise rejects and leaves nothing in the timer", async () => {
    const boom = (): never => {
      throw new TypeError("at once");
    };
    await inCall(async (context) => {
      expect(await rejection(context.within({ timeoutMs: 10 }, boom))).toMatchObject({ message: "at once" });
      expect(await rejection(context.within({ timeoutMs: 10 }, (() => 5) as never))).toBeInstanceOf(TypeError);
    });
  });
});

describe("a signal that is asked for late", () => {
  test("has fired already, with the reason, when the call was stopped before", async () => {
    let kept: CallContext | undefined;
    const error = await failure(
      inCall((context) => {
        kept = context;
        return hang();
      }, 5),
    );
    expect(kept?.aborted).toBe(true);
    expect(kept?.signal.aborted).toBe(true);
    expect(kept?.signal.reason).toMatchObject({ code: error.code });
  });
});

describe("interrupted and untilInterrupted", () => {
  const reason = new DatabaseErrorOf("QUERY_TIMEOUT", "m", { timeoutMs: 5 });

  test("tell the reason of the signal, with the effect that the driver knows", () => {
    const context = { signal: AbortSignal.abort(reason) };
    expect(interrupted(context, "none")).toBe(reason);
    expect(interrupted(context, "unknown")).toMatchObject({ code: "QUERY_TIMEOUT", effect: "unknown" });
  });

  test("a reason that is not ours becomes the cause of CANCELLED", () => {
    const error = interrupted({ signal: AbortSignal.abort("gone") }, "unknown");
    expect(error).toMatchObject({ code: "CANCELLED", effect: "unknown", cause: "gone" });
  });

  test("give the promise's own end as long as the signal is quiet, and leave no listener", async () => {
    const { signal } = new AbortController();
    expect(await untilInterrupted(Promise.resolve(5), { signal }, "none")).toBe(5);
    const fault = new Error("mine");
    expect(await rejection(untilInterrupted(Promise.reject(fault), { signal }, "none"))).toBe(fault);
    await Promise.resolve();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("end at once when the signal fires or has fired, and drop a late rejection without a trace", async () => {
    const controller = new AbortController();
    const late = Promise.withResolvers<never>();
    const ended = failure(untilInterrupted(late.promise, controller, "unknown"));
    controller.abort(reason);
    expect(await ended).toMatchObject({ code: "QUERY_TIMEOUT", effect: "unknown" });
    expect(await failure(untilInterrupted(late.promise, controller, "none"))).toBe(reason);
    late.reject(new Error("late"));
    await new Promise((resolve) => setImmediate(resolve));
  });
});
