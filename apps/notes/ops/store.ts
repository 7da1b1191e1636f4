import { type Signal, signal } from "@preact/signals";
import {
  type About,
  type Feed,
  type Headline,
  HISTORY,
  type Sample,
  SERIES,
  type SeriesName,
  type SlowCall,
  type Tables,
  type TimelineEntry,
} from "../src/ops-feed.ts";

/** All that the page knows. It holds nothing that the service does not: a reload loses none of it. */
export const about: Signal<About | undefined> = signal(undefined);
export const headline: Signal<Headline | undefined> = signal(undefined);
export const tables: Signal<Tables | undefined> = signal(undefined);
export const samples: Signal<readonly Sample[]> = signal([]);
export const timeline: Signal<readonly TimelineEntry[]> = signal([]);
export const slow: Signal<readonly SlowCall[]> = signal([]);
/** Of the page's own clock, moved every quarter of a second. */
export const now: Signal<number> = signal(Date.now());
/** When the service was last heard of, by the page's clock; 0 before the first word. */
export const heardAt: Signal<number> = signal(0);
/** The charts stand still while it is set. */
export const frozen: Signal<boolean> = signal(false);
/** How far back the charts go, in seconds. */
export const range: Signal<number> = signal(300);

/** How long without a word makes what is shown old: the service speaks once a second. */
export const STALE_MS = 3_500;

const TIMELINE = 200;
const SLOW_CALLS = 50;
/** The service's clock minus the page's. */
let clockOffset = 0;
let waiting: Sample[] = [];

const receive: { readonly [K in keyof Feed]: (data: Feed[K]) => void } = {
  snapshot(data) {
    about.value = data.about;
    tables.value = data.tables;
    samples.value = data.samples;
    timeline.value = data.timeline;
    slow.value = data.slow;
    waiting = [];
    showHeadline(data.headline);
  },
  tick({ sample, headline: now, tables: changed }) {
    if (frozen.value) waiting.push(sample);
    else addSamples([sample]);
    if (changed !== undefined) tables.value = changed;
    showHeadline(now);
  },
  headline: showHeadline,
  timeline(entry) {
    timeline.value = [...timeline.value, entry].slice(-TIMELINE);
  },
  slow(call) {
    slow.value = [...slow.value, call].slice(-SLOW_CALLS);
  },
};

/** EventSource comes back by itself; the first event of each connection is the whole. */
export function connect(): void {
  const source = new EventSource("/ops/events");
  for (const [name, take] of Object.entries(receive)) {
    source.addEventListener(name, (event) => {
      heardAt.value = Date.now();
      (take as (data: unknown) => void)(JSON.parse((event as MessageEvent<string>).data));
    });
  }
  source.addEventListener("bye", () => {
    heardAt.value = 1;
  });
  setInterval(() => {
    now.value = Date.now();
  }, 250);
}

export function setFrozen(value: boolean): void {
  frozen.value = value;
  if (value) return;
  addSamples(waiting);
  waiting = [];
}

/** The service's time, as well as the page can tell. */
export function serviceNow(): number {
  return now.value + clockOffset;
}

export function column(name: SeriesName, from: readonly Sample[]): (number | null)[] {
  const index = SERIES.indexOf(name);
  return from.map((sample) => sample[index] ?? null);
}

export function latest(name: SeriesName): number | null {
  return samples.value.at(-1)?.[SERIES.indexOf(name)] ?? null;
}

function addSamples(more: readonly Sample[]): void {
  samples.value = [...samples.value, ...more].slice(-HISTORY);
}

function showHeadline(value: Headline): void {
  clockOffset = value.at - Date.now();
  headline.value = value;
}
