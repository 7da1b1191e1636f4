// The program of the image: the test server of @db/testing/surreal, started like `surreal start`.
import { serveSurreal } from "@db/testing/surreal";
import { readArguments } from "./arguments.ts";

const drainMs = 2_000;

try {
  const server = await serveSurreal(readArguments(process.argv.slice(2)));
  console.error(`Started web server, ${server.version}, on port ${server.port}`);
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, async () => {
      await server.close(drainMs);
      // The engine may keep the process (after DEFINE INDEX, engine 3.0.2), so it does not end by itself.
      process.exit();
    });
  }
} catch (error) {
  console.error(`surreal: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}
