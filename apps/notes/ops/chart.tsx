import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { type Line, optionsOf, UNITS, type Unit } from "./chart-options.ts";
import { time } from "./format.ts";
import { column, hovered, range, samples, secondsAgo } from "./store.ts";

interface ChartProps {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly unit: Unit;
  /** Whether each line stands on the one before; those after `stacked` of them do not. */
  readonly stacked?: number;
}

const HEIGHT = 132;

/** A chart of the last minutes, and the same figures as a table for those who cannot see it. */
export function Chart({ title, lines, unit, stacked = 0 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const { format } = UNITS[unit];

  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const draw = (): void => {
      plot.current?.destroy();
      const size = { width: element.clientWidth, height: HEIGHT };
      plot.current = new uPlot({ ...optionsOf(lines, unit, stacked), ...size }, dataOf(lines, stacked), element);
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

  const pointed = all.slice(-rangeSeconds)[hovered.value ?? -1];
  const told = [pointed ?? all.at(-1) ?? []];
  return (
    <figure class="chart">
      <figcaption>
        <span class="chart-title">
          {title}
          {pointed === undefined ? null : <small> at {time(column("at", told)[0] ?? 0)}</small>}
        </span>
        <span class="legend">
          {lines.map(({ name, label, color }) => (
            <span key={name}>
              <i class={`swatch swatch-${color}`} aria-hidden="true" />
              {label} <b>{format(column(name, told)[0] ?? null)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div class="plot" ref={place} aria-hidden="true" />
      <div class="for-screen-readers">
        <table>
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
                  <td key={name}>{format(column(name, [secondsAgo(ago)])[0] ?? null)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
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
