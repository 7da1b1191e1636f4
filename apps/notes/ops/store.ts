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
/** Whether its last word was that it stops. */
export const saidBye: Signal<boolean> = signal(false);
/** The charts stand still while it is set. */
export const frozen: Signal<boolean> = signal(false);
/** How far back the charts go, in seconds. */
export const range: Signal<number> = signal(300);
/** Which of the shown seconds the pointer is at in the charts. */
export const hovered: Signal<number | null> = signal(null);

/** How long without a word makes what is shown old: the service speaks once a second. */
export const STALE_MS = 3_500;

const TIMELINE = 200;
const SLOW_CALLS = 50;
const AGAIN_MS = 3_000;
/** The service's clock minus the page's. */
let clockOffset = 0;
/** What the charts show, unless they are frozen. */
let history: readonly Sample[] = [];

const receive: { readonly [K in keyof Feed]: (data: Feed[K]) => void } = {
  snapshot(data) {
    about.value = data.about;
    tables.value = data.tables;
    history = data.samples;
    showHistory();
    timeline.value = data.timeline;
    slow.value = data.slow;
    showHeadline(data.headline);
  },
  tick({ sample, headline: now, tables: changed }) {
    history = [...history, sample].slice(-HISTORY);
    showHistory();
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

export function connect(): void {
  listen();
  setInterval(() => {
    now.value = Date.now();
  }, 250);
}

/** EventSource comes back by itself from a connection that is lost; the first event of each connection is the whole. */
function listen(): void {
  const source = new EventSource("/ops/events");
  for (const [name, take] of Object.entries(receive)) {
    source.addEventListener(name, (event) => {
      heard(false);
      (take as (data: unknown) => void)(JSON.parse((event as MessageEvent<string>).data));
    });
  }
  source.addEventListener("bye", () => heard(true));
  source.addEventListener("error", () => {
    // An answer that is no stream, as a proxy gives while the service starts, ends it for good.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  });
}

function heard(isBye: boolean): void {
  heardAt.value = Date.now();
  saidBye.value = isBye;
}

export function setFrozen(value: boolean): void {
  frozen.value = value;
  showHistory();
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

/** The second so long before the newest; empty where it was before the first. */
export function secondsAgo(ago: number): Sample {
  return samples.value.at(-1 - ago) ?? [];
}

function showHistory(): void {
  if (!frozen.value) samples.value = history;
}

function showHeadline(value: Headline): void {
  clockOffset = value.at - Date.now();
  headline.value = value;
}
