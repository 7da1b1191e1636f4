import type { Attributes, BatchObservableResult, Meter, Observable } from "@opentelemetry/api";
import type { InstrumentFacts } from "./feed.ts";
import type { LabelValue, SeriesTable } from "./series.ts";

export type GaugeKind = "upDownCounter" | "gauge" | "counter";

/** An observable instrument: what is set between two reports, summed where several components have the same labels. */
export class Gauge {
  readonly instrument: Observable;
  readonly #kind: GaugeKind;
  readonly #series: SeriesTable;
  readonly #values = new Map<Attributes, number>();

  constructor(
    meter: Meter,
    kind: GaugeKind,
    name: string,
    { unit, description }: InstrumentFacts,
    series: SeriesTable,
  ) {
    const options = { unit, description };
    this.#kind = kind;
    this.#series = series;
    if (kind === "counter") this.instrument = meter.createObservableCounter(name, options);
    else if (kind === "gauge") this.instrument = meter.createObservableGauge(name, options);
    else this.instrument = meter.createObservableUpDownCounter(name, options);
  }

  /** What is gone is reported as 0 from now on: the reader would keep its last value for ever. A counter keeps its own. */
  clear(): void {
    if (this.#kind === "counter") this.#values.clear();
    else for (const attributes of this.#values.keys()) this.#values.set(attributes, 0);
  }

  add(value: number, values: readonly LabelValue[]): void {
    const attributes = this.#series.attributesOf(values);
    this.#values.set(attributes, (this.#values.get(attributes) ?? 0) + value);
  }

  /** Of several with the same labels the greatest. */
  raise(value: number, values: readonly LabelValue[]): void {
    const attributes = this.#series.attributesOf(values);
    this.#values.set(attributes, Math.max(this.#values.get(attributes) ?? 0, value));
  }

  report(result: BatchObservableResult): void {
    for (const [attributes, value] of this.#values) result.observe(this.instrument, value, attributes);
  }
}
