import type { DriverView } from "./driver.ts";
import type { Execute } from "./operation.ts";
import { expected } from "./options.ts";

/** What a layer sees of the service it stands in. */
export interface LayerHost {
  /** Its name, capabilities and state. */
  readonly driver: DriverView;
  /** Runs at `disconnect()`, outermost layer first, before the driver closes; the signal is the deadline. */
  onClose(close: (signal: AbortSignal) => Promise<void>): void;
}

/** Wraps the function that runs operations. The first layer listed is outermost. */
export type Layer = (next: Execute, host: LayerHost) => Execute;

export function composeLayers(layers: readonly Layer[], innermost: Execute, host: LayerHost): Execute {
  return layers.reduceRight((next, layer, index) => {
    const execute = layer(next, host);
    if (typeof execute !== "function") throw expected(`layers[${index}]`, "a layer that returns a function", execute);
    return execute;
  }, innermost);
}
