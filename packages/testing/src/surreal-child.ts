import { rmSync } from "node:fs";
import type { Answer, Request } from "./surreal-control.ts";
import type { ServedSurreal } from "./surreal-server.ts";

/** The process that `startSurreal` starts: it serves until its parent says otherwise, or is no more. */
const DRAIN_MS = 2_000;

let server: ServedSurreal | undefined;
let removable: string | undefined;

async function obey(request: Request): Promise<Answer> {
  const { id } = request;
  switch (request.do) {
    case "serve": {
      removable = request.removePath ? request.options.path : undefined;
      const { serveSurreal } = await import("./surreal-server.ts").catch(explain);
      server = await serveSurreal(request.options);
      return { id, value: { port: server.port } };
    }
    case "fault":
      await server?.fault(request.faults);
      return { id, value: undefined };
    case "stats":
      return { id, value: server?.stats() };
  }
}

async function answer(request: Request): Promise<void> {
  const outcome = await obey(request).catch((error: unknown): Answer => {
    const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
    return { id: request.id, error: error instanceof Error ? error.message : String(error), code };
  });
  process.send?.(outcome);
}

function explain(error: unknown): never {
  const message = "a SurrealDB server needs the packages @surrealdb/node, surrealdb and ws";
  throw new Error(`${message}: ${error instanceof Error ? error.message : String(error)}`);
}

process.on("message", (request: Request) => answer(request));

// The parent is gone, however it went: nobody else would end this process.
process.on("disconnect", () => {
  if (removable !== undefined) rmSync(removable, { recursive: true, force: true });
  process.kill(process.pid, "SIGKILL");
});

// Where it has no group of its own Ctrl-C reaches it too; when it is time is for the parent to say.
process.on("SIGINT", () => {});

process.on("SIGTERM", async () => {
  await server?.close(DRAIN_MS);
  // The engine may keep the process (after DEFINE INDEX, engine 3.0.2), so it does not end by itself.
  process.exit();
});
