import type uPlot from "uplot";
import { type SeriesName, STATES } from "../src/ops-feed.ts";
import { count, duration, time } from "./format.ts";
import { column, hovered, range, samples } from "./store.ts";

export interface Line {
  readonly name: SeriesName;
  readonly label: string;
  /** The name of a color in the style sheet, without its dashes. */
  readonly color: string;
  readonly fill?: boolean;
  readonly dashed?: boolean;
}

export type Unit = "count" | "duration";

const WHOLE = [1, 2, 5].flatMap((step) => Array.from({ length: 9 }, (_, power) => step * 10 ** power));

export const UNITS: Readonly<
  Record<Unit, { readonly format: (value: number | null) => string; readonly axis: uPlot.Axis }>
> = {
  count: { format: count, axis: { incrs: WHOLE.toSorted((a, b) => a - b) } },
  duration: { format: duration, axis: {} },
};

const FAILED = STATES.indexOf("failed");
const FONT = "11px system-ui, sans-serif";
/** The charts share one cursor: what is pointed at in one is told in all. */
const CURSOR: uPlot.Cursor = { y: false, drag: { x: false, y: false }, sync: { key: "ops" }, points: { size: 6 } };

export function optionsOf(
  lines: readonly Line[],
  unit: Unit,
  stacked: number,
): Omit<uPlot.Options, "width" | "height"> {
  const { format, axis } = UNITS[unit];
  const style = { stroke: colorOf("muted"), grid: { stroke: colorOf("line"), width: 1 }, font: FONT };
  const series = lines.map(({ label, color, fill = false, dashed = false }): uPlot.Series => {
    const stroke = colorOf(color);
    return {
      label,
      stroke,
      width: 1.5,
      points: { size: 4, fill: stroke, show: false, filter: loners },
      ...(fill ? { fill: thin(stroke, 22) } : {}),
      ...(dashed ? { dash: [4, 4] } : {}),
    };
  });
  return {
    legend: { show: false },
    cursor: CURSOR,
    padding: [8, 26, 0, 0],
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] } },
    axes: [
      { ...style, ticks: { show: false }, size: 26, space: 80, values: (_, at) => at.map((s) => time(s * 1_000)) },
      { ...style, ticks: { show: false }, size: 58, values: (_, at) => at.map(format), ...axis },
    ],
    series: [{}, ...series],
    bands: Array.from({ length: Math.max(0, stacked - 1) }, (_, index) => ({ series: [index + 2, index + 1] })),
    hooks: {
      drawClear: [shadeOutages],
      setCursor: [
        ({ cursor }) => {
          hovered.value = cursor.idx ?? null;
        },
      ],
    },
  };
}

/** Seconds that have neighbours on neither side: no line shows them. */
function loners({ data }: uPlot, index: number): number[] {
  const values = data[index] ?? [];
  const isThere = (at: number): boolean => values[at] != null;
  return [...values.keys()].filter((at) => isThere(at) && !isThere(at - 1) && !isThere(at + 1));
}

/** Behind the lines: when the database was away. */
function shadeOutages(plot: uPlot): void {
  const { ctx, bbox, data } = plot;
  const states = column("state", samples.value.slice(-range.value));
  const x = (at: number): number => plot.valToPos(data[0][at] ?? 0, "x", true);
  ctx.save();
  ctx.fillStyle = thin(colorOf("bad"), 14);
  for (let from = 0; from < states.length; from += 1) {
    if (states[from] !== FAILED) continue;
    let to = from;
    while (states[to + 1] === FAILED) to += 1;
    const left = x(from);
    ctx.fillRect(left, bbox.top, Math.max(2, x(Math.min(to + 1, states.length - 1)) - left), bbox.height);
    from = to;
  }
  ctx.restore();
}

function thin(color: string, percent: number): string {
  return `color-mix(in srgb, ${color} ${percent}%, transparent)`;
}

function colorOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
