/** An error that says of itself that trying again can help. */
export class Refused extends Error {
  readonly retryable = true;
}

/** Fails so often, then succeeds. */
export function failing(times: number, error: unknown = new Refused("no")): () => Promise<string> {
  let left = times;
  return () => {
    left -= 1;
    return left >= 0 ? Promise.reject(error) : Promise.resolve("ok");
  };
}

/** What a promise was rejected with. */
export function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => Promise.reject(new Error(`expected a rejection, got ${String(value)}`)),
    (error: unknown) => error,
  );
}

export const hang = (): Promise<never> => new Promise(() => {});
