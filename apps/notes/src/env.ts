import type { HttpBindings } from "@hono/node-server";
import type { RequestIdVariables } from "hono/request-id";

/** What the app's handlers find in their context. */
export interface AppEnv {
  /** Nothing, not even an object, where the app is asked without a port. */
  Bindings: Partial<HttpBindings>;
  Variables: RequestIdVariables;
}
