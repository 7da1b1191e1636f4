import * as core from "@db/core";
import * as pool from "@db/pool";
import * as queue from "@db/queue";
import * as retry from "@db/retry";
import { expect, expectTypeOf, test } from "vitest";
import * as sources from "../src/sources.ts";

test("the channels are those of the packages", () => {
  const { SOURCES } = sources;
  expect(SOURCES).toEqual({
    operation: core.CHANNELS.operation,
    retry: retry.CHANNELS.retry,
    poolWait: pool.CHANNELS.wait,
    poolRelease: pool.CHANNELS.release,
    poolCreated: pool.CHANNELS.created,
    poolClosed: pool.CHANNELS.closed,
    poolTimeout: pool.CHANNELS.timeout,
    queueEnqueue: queue.CHANNELS.enqueue,
    queueAck: queue.CHANNELS.ack,
    queueReject: queue.CHANNELS.reject,
    queueDead: queue.CHANNELS.dead,
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
  expectTypeOf<queue.EnqueueEvent>().toExtend<sources.QueueEvent>();
  expectTypeOf<queue.AckEvent>().toExtend<sources.QueueEvent>();
  expectTypeOf<queue.DeadEvent>().toExtend<sources.QueueEvent>();
  expectTypeOf<queue.RejectEvent>().toExtend<sources.RejectEvent>();
  expectTypeOf<queue.LiveQueue>().toExtend<sources.LiveQueue>();
});
