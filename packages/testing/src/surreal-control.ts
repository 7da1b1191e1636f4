import type { SurrealFaults } from "./surreal-faults.ts";
import type { CheckedOptions, SurrealStats } from "./surreal-options.ts";

/** What the parent tells the process that serves; the first message is `serve`. */
export type Command =
  | { readonly do: "serve"; readonly options: CheckedOptions; readonly removePath: boolean }
  | { readonly do: "fault"; readonly faults: Partial<SurrealFaults> }
  | { readonly do: "stats" };

export type Request = Command & { readonly id: number };

export interface Served {
  readonly port: number;
}

/** The answer to the command of this id. */
export type Answer =
  | { readonly id: number; readonly value: Served | SurrealStats | undefined }
  | { readonly id: number; readonly error: string; readonly code: string | undefined };
