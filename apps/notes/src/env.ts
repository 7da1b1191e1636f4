import type { RequestIdVariables } from "hono/request-id";

/** What the app's handlers find in their context. */
export interface AppEnv {
  Variables: RequestIdVariables;
}
