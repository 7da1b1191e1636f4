#!/usr/bin/env node
import { main } from "./cli.ts";

// `db-queue list … | head` takes no more than it wants; what was to be done is done all the same.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

const complain = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
/** In one line that is written over, for people only. */
const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
};

process.exitCode = await main(process.argv.slice(2), (line) => process.stdout.write(`${line}\n`), complain, progress);
