import type { Faults } from "./faults.ts";

/** What exporters of metrics and of spans have in common, in whatever version of the SDK. */
export interface Exporter {
  // A method and not a property, so that exporters of metrics and of spans are both one.
  export(items: never, done: (result: { readonly code: number; readonly error?: Error }) => void): void;
}

const SUCCESS = 0;

/** Counts what an exporter throws or reports as failed: the SDK keeps both to itself. Returns the function that ends it. */
export function watchExporter(exporter: Exporter, faults: Faults): () => void {
  const original = exporter.export;
  const watched: Exporter["export"] = (items, done) => {
    try {
      original.call(exporter, items, (result) => {
        if (result?.code !== SUCCESS) faults.note("an exporter", result?.error);
        done(result);
      });
    } catch (fault) {
      faults.note("an exporter", fault);
      throw fault;
    }
  };
  exporter.export = watched;
  return () => {
    if (exporter.export === watched) exporter.export = original;
  };
}
