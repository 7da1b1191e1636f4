import { workerData } from "node:worker_threads";
import { type HostData, serve } from "./sqlite-host.ts";

serve(workerData as HostData);
