import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { SeriesName } from "../src/ops-feed.ts";
import { column, range, samples } from "./store.ts";

interface Line {
  readonly name: SeriesName;
  readonly label: string;
  /** The name of a color in the style sheet, without its dashes. */
  readonly color: string;
  readonly fill?: boolean;
  readonly dashed?: boolean;
}

interface ChartProps {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly format: (value: number | null) => string;
  /** Whether each line stands on the one before; those after `stacked` of them do not. */
  readonly stacked?: number;
}

const HEIGHT = 132;

/** A chart of the last minutes, and the same figures as a table for those who cannot see it. */
export function Chart({ title, lines, format, stacked = 0 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const draw = (): void => {
      plot.current?.destroy();
      const options = optionsOf(lines, format, element.clientWidth, stacked);
      plot.current = new uPlot(options, dataOf(lines, stacked), element);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      scheme.removeEventListener("change", draw);
      plot.current?.destroy();
    };
  }, []);

  const { value: all } = samples;
  const { value: rangeSeconds } = range;
  useEffect(() => plot.current?.setData(dataOf(lines, stacked)), [all, rangeSeconds]);

  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="legend">
          {lines.map(({ name, label, color }) => (
            <span key={name}>
              <i class={`swatch swatch-${color}`} aria-hidden="true" />
              {label} <b>{format(column(name, all.slice(-1))[0] ?? null)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div class="plot" ref={place} aria-hidden="true" />
      <table class="for-screen-readers">
        <caption>{title}, the last minute in steps of ten seconds</caption>
        <thead>
          <tr>
            <th scope="col">seconds ago</th>
            {lines.map(({ name, label }) => (
              <th scope="col" key={name}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[0, 10, 20, 30, 40, 50].map((ago) => (
            <tr key={ago}>
              <th scope="row">{ago}</th>
              {lines.map(({ name }) => (
                <td key={name}>{format(column(name, all.slice(all.length - 1 - ago, all.length - ago))[0] ?? null)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

function dataOf(lines: readonly Line[], stacked: number): uPlot.AlignedData {
  const shown = samples.value.slice(-range.value);
  const at = column("at", shown).map((ms) => (ms ?? 0) / 1_000);
  const columns = lines.map(({ name }) => column(name, shown));
  for (let index = 1; index < stacked; index += 1) {
    const below = columns[index - 1] ?? [];
    columns[index] = (columns[index] ?? []).map((value, row) => (value ?? 0) + (below[row] ?? 0));
  }
  return [at, ...columns];
}

function optionsOf(
  lines: readonly Line[],
  format: (value: number | null) => string,
  width: number,
  stacked: number,
): uPlot.Options {
  const ink = colorOf("muted");
  const grid = { stroke: colorOf("line"), width: 1 };
  const series = lines.map(({ label, color, fill = false, dashed = false }): uPlot.Series => {
    const stroke = colorOf(color);
    return {
      label,
      stroke,
      width: 1.5,
      points: { show: false },
      ...(fill ? { fill: `color-mix(in srgb, ${stroke} 22%, transparent)` } : {}),
      ...(dashed ? { dash: [4, 4] } : {}),
    };
  });
  const bands = Array.from(
    { length: Math.max(0, stacked - 1) },
    (_, index): uPlot.Band => ({ series: [index + 2, index + 1] }),
  );
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 4, 0, 0],
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] } },
    axes: [
      { stroke: ink, grid, ticks: { show: false }, font: FONT, size: 26, values: timesOf, space: 80 },
      {
        stroke: ink,
        grid,
        ticks: { show: false },
        font: FONT,
        size: 58,
        values: (_, splits) => splits.map((value) => format(value)),
      },
    ],
    series: [{}, ...series],
    bands,
  };
}

const FONT = "11px system-ui, sans-serif";

function timesOf(_: uPlot, splits: readonly number[]): string[] {
  return splits.map((at) => new Date(at * 1_000).toLocaleTimeString("en", { hour12: false }));
}

function colorOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
