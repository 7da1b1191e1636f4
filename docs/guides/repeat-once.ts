import { isDatabaseError, type Layer } from "@db/core";

/** Tries once more what failed without effect. `retryLayer` of `@db/retry` is this with a back-off and a budget. */
export function repeatOnce(): Layer {
  return (next, host) =>
    function repeatOnceLayer(operation, context) {
      // Core re-runs transactions, and a queue that replays has a back-off of its own.
      if (operation.kind === "transaction" || context.origin === "replay") return next(operation, context);
      return next(operation, context).catch((error: unknown) => {
        const isSafe = isDatabaseError(error) && error.effect === "none" && error.retryable;
        const canHelp = host.driver.state.name === "connected" && !context.aborted;
        if (!isSafe || !canHelp) throw error;
        return next(operation, context.with({ attempt: context.attempt + 1 }));
      });
    };
}
