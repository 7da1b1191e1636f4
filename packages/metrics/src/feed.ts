import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { BatchObservableResult, Counter, Histogram, Meter } from "@opentelemetry/api";
import type { Faults } from "./faults.ts";
import { Gauge, type GaugeKind } from "./gauge.ts";
import { type Level, reaches } from "./level.ts";
import { type LabelValue, type SeriesOptions, SeriesTable } from "./series.ts";
import { type Component, type ComponentOf, liveComponents } from "./sources.ts";

/** What an instrument is called and counts in, and by what it is told apart. */
export interface InstrumentFacts extends Omit<SeriesOptions, "limit"> {
  readonly unit: string;
  readonly description: string;
}

/** Instruments and subscriptions of one `instrument()`, all bounded, all guarded, all ended at once. */
export class Feed {
  readonly level: Level;
  readonly faults: Faults;
  /** By instrument. */
  readonly tables: Map<string, SeriesTable> = new Map();
  /** How often somebody has read the instruments. */
  collections = 0;
  readonly #meter: Meter;
  readonly #limit: number;
  readonly #gauges: Gauge[] = [];
  readonly #readers: (() => void)[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(meter: Meter, settings: { readonly level: Level; readonly maxSeries: number }, faults: Faults) {
    this.level = settings.level;
    this.faults = faults;
    this.#meter = meter;
    this.#limit = settings.maxSeries;
  }

  tells(level: Level): boolean {
    return reaches(this.level, level);
  }

  /** Has every message of a channel until the end. */
  on<E>(channel: string, take: (event: E) => void): void {
    const guarded = this.faults.guard(channel, take) as (event: unknown) => void;
    subscribe(channel, guarded);
    this.#ends.push(() => unsubscribe(channel, guarded));
  }

  counter(name: string, facts: InstrumentFacts): (amount: number, values: readonly LabelValue[]) => void {
    const counter: Counter = this.#meter.createCounter(name, facts);
    const series = this.#table(name, facts);
    return (amount, values) => counter.add(amount, series.attributesOf(values));
  }

  histogram(
    name: string,
    facts: InstrumentFacts & { readonly boundaries: readonly number[] },
  ): (value: number, values: readonly LabelValue[]) => void {
    const { unit, description, boundaries } = facts;
    const advice = { explicitBucketBoundaries: [...boundaries] };
    const histogram: Histogram = this.#meter.createHistogram(name, { unit, description, advice });
    const series = this.#table(name, facts);
    return (value, values) => histogram.record(value, series.attributesOf(values));
  }

  /** An instrument whose values are read when somebody looks. */
  gauge(kind: GaugeKind, name: string, facts: InstrumentFacts): Gauge {
    const gauge = new Gauge(this.#meter, kind, name, facts, this.#table(name, facts));
    this.#gauges.push(gauge);
    return gauge;
  }

  /** Called at each collection, to fill gauges. */
  read(what: string, fill: () => void): void {
    this.#readers.push(this.faults.guard(what, fill) as () => void);
  }

  /** The same with every component of a kind; one that throws hides no other. */
  readEach<K extends Component["kind"]>(kind: K, fill: (component: ComponentOf<K>) => void): void {
    const guarded = this.faults.guard(`figures of a ${kind}`, fill);
    this.#readers.push(() => {
      for (const component of liveComponents(kind)) guarded(component);
    });
  }

  /** To be called once all gauges are made. */
  begin(): void {
    const instruments = this.#gauges.map((gauge) => gauge.instrument);
    const collect = (result: BatchObservableResult): void => this.#collect(result);
    this.#meter.addBatchObservableCallback(collect, instruments);
    this.onEnd(() => this.#meter.removeBatchObservableCallback(collect, instruments));
  }

  onEnd(end: () => void): void {
    this.#ends.push(end);
  }

  end(): void {
    for (const end of this.#ends.splice(0)) this.faults.guard("shutdown", end)(undefined);
  }

  #collect(result: BatchObservableResult): void {
    this.collections += 1;
    for (const gauge of this.#gauges) gauge.clear();
    for (const fill of this.#readers) fill();
    for (const gauge of this.#gauges) gauge.report(result);
  }

  #table(name: string, facts: InstrumentFacts): SeriesTable {
    const table = new SeriesTable({ ...facts, limit: this.#limit });
    this.tables.set(name, table);
    return table;
  }
}
