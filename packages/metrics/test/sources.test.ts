import * as core from "@db/core";
import * as pool from "@db/pool";
import * as retry from "@db/retry";
import { expect, expectTypeOf, test } from "vitest";
import * as sources from "../src/sources.ts";

test("the channels are those of the packages", () => {
  const { SOURCES } = sources;
  expect(SOURCES).toMatchObject({
    operation: core.CHANNELS.operation,
    retry: retry.CHANNELS.retry,
    poolWait: pool.CHANNELS.wait,
    poolRelease: pool.CHANNELS.release,
    poolCreated: pool.CHANNELS.created,
    poolClosed: pool.CHANNELS.closed,
    poolTimeout: pool.CHANNELS.timeout,
  });
});

test("what is read of a payload is what the packages publish", () => {
  expectTypeOf<core.OperationEvent>().toExtend<sources.OperationEvent>();
  expectTypeOf<core.DriverTarget>().toExtend<sources.Target>();
  expectTypeOf<core.LiveDatabase>().toExtend<sources.LiveDatabase>();
  expectTypeOf<retry.RetryEvent>().toExtend<sources.RetryEvent>();
  expectTypeOf<pool.WaitEvent>().toExtend<sources.WaitEvent>();
  expectTypeOf<pool.ReleaseEvent>().toExtend<sources.ReleaseEvent>();
  expectTypeOf<pool.CreatedEvent>().toExtend<sources.CreatedEvent>();
  expectTypeOf<pool.ClosedEvent>().toExtend<sources.ClosedEvent>();
  expectTypeOf<pool.TimeoutEvent>().toExtend<sources.TimeoutEvent>();
  expectTypeOf<pool.LivePool>().toExtend<sources.LivePool>();
});
