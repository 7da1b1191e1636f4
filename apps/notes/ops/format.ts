/** Figures for people: short, and with the unit. */

export function duration(ms: number | null): string {
  if (ms === null) return "–";
  if (ms === 0) return "0";
  if (ms < 1) return `${significant(ms * 1_000)} µs`;
  if (ms < 1_000) return `${significant(ms)} ms`;
  if (ms < 60_000) return `${significant(ms / 1_000)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

/** Whole seconds, for countdowns. */
export function seconds(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, Math.ceil(ms / 1_000))} s` : duration(ms);
}

export function count(value: number | null): string {
  return value === null ? "–" : value.toLocaleString("en");
}

export function bytes(value: number | null): string {
  if (value === null) return "–";
  const units = ["B", "KiB", "MiB", "GiB"];
  let rest = value;
  let unit = 0;
  for (; rest >= 1_024 && unit < units.length - 1; unit += 1) rest /= 1_024;
  return `${unit === 0 ? rest : significant(rest)} ${units[unit]}`;
}

export function time(at: number): string {
  return new Date(at).toLocaleTimeString("en", { hour12: false });
}

function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : Number(value.toPrecision(2)).toString();
}
