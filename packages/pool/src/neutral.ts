import { AsyncLocalStorage } from "node:async_hooks";

/**
 * Runs a function in the async context of the program's start. Connections and timers outlive the request that happened
 * to cause them: made in its context they would keep it alive, and whatever they do later would be counted as part of it.
 */
export const neutral: <R>(run: () => R) => R = AsyncLocalStorage.snapshot();
