/** The promise, or a rejection when it takes longer. It goes on; its end is dropped. Keeps no process alive. */
export function withinMs<T>(patienceMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patienceMs} ms`)), patienceMs).unref();
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
