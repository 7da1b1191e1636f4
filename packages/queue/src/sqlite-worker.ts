import { parentPort } from "node:worker_threads";
import { serve } from "./sqlite-host.ts";

if (parentPort === null) throw new Error("expected to run as a worker thread");
serve(parentPort);
