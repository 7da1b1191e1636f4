// The process that `up.ts` starts: it serves until it is told to stop by a signal. Its only argument is its id.
import { type ServeSurrealOptions, serveSurreal } from "@db/testing/surreal";

export interface Order {
  readonly options: ServeSurrealOptions;
  /** Whether it stops when the process that started it is gone. */
  readonly attached: boolean;
}

export type Report = { readonly port: number; readonly version: string } | { readonly error: string };

const DRAIN_MS = 5_000;

process.once("message", async ({ options, attached }: Order) => {
  try {
    const server = await serveSurreal(options);
    let isStopping = false;
    const stop = async (): Promise<void> => {
      if (isStopping) return;
      isStopping = true;
      await server.close(DRAIN_MS);
      // The engine may keep the process (after DEFINE INDEX, engine 3.0.2), so it does not end by itself.
      process.exit();
    };
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
    if (attached) process.on("disconnect", stop);
    report({ port: server.port, version: server.version });
  } catch (error) {
    report({ error: error instanceof Error ? error.message : String(error) });
  }
});

function report(found: Report): void {
  process.send?.(found);
}
