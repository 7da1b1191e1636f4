/** A figure against its goal: held when `actual <= limit`. */
export interface Goal {
  readonly what: string;
  readonly actual: number;
  readonly limit: number;
  readonly unit: string;
}

/** A goal with its verdict; of several runs, the median and how far they lay apart. */
export interface Judged extends Goal {
  readonly held: boolean;
  readonly range?: readonly [least: number, most: number];
}

type Row = Readonly<Record<string, unknown>>;

/** What `bench/results/<name>.json` holds. */
export interface Results {
  readonly name: string;
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number };
  /** How many runs these are the medians of; one when it is missing. */
  readonly runs?: number;
  readonly rows: readonly Row[];
  readonly goals: readonly Judged[];
}

export function judge(goal: Goal): Judged {
  return { ...goal, held: goal.actual <= goal.limit };
}

/**
 * Each figure of several runs as its median, and each goal judged by it. What is no number is that of the first run.
 * @throws Error when the runs did not measure the same
 */
export function medianOf(runs: readonly Results[]): Results {
  const [first, ...others] = runs;
  if (first === undefined) throw new Error("expected at least one run, got none");
  if (others.length === 0) return first;
  for (const other of others) checkSame(first, other);
  const rows = first.rows.map((row, index) =>
    medianRow(
      row,
      runs.map(({ rows }) => rows[index] ?? {}),
    ),
  );
  const goals = first.goals.map((goal, index) => {
    const actual = runs.map(({ goals }) => goals[index]?.actual ?? Number.NaN).sort((a, b) => a - b);
    return { ...judge({ ...goal, actual: middle(actual) }), range: [actual[0] ?? 0, actual.at(-1) ?? 0] as const };
  });
  return { name: first.name, machine: first.machine, runs: runs.length, rows, goals };
}

function checkSame(first: Results, other: Results): void {
  const shape = ({ rows, goals }: Results): string =>
    JSON.stringify([rows.map((row) => Object.keys(row)), goals.map(({ what, limit }) => [what, limit])]);
  if (shape(first) !== shape(other)) throw new Error(`expected each run of ${first.name} to have the same figures`);
}

function medianRow(row: Row, rows: readonly Row[]): Row {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => {
      const figures = rows.map((other) => other[key]).filter((figure) => typeof figure === "number");
      return [key, figures.length === rows.length ? middle(figures.sort((a, b) => a - b)) : value];
    }),
  );
}

/** Of an even number of runs the lower one: a figure that was measured. */
function middle(sorted: readonly number[]): number {
  return sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
}
