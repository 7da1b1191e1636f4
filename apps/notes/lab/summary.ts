import type { Report } from "./lab.ts";

/** What came of many scenarios, in a line. */
export function summaryOf(reports: readonly Report[], limitMs: number): string {
  const total = (key: "sent" | "confirmed" | "queued" | "refused"): number =>
    reports.reduce((sum, report) => sum + report[key], 0);
  // The ledger looks for all notes of the lab each time, so what is lost stays lost in every later report.
  const worst = (key: "lost" | "doubled"): number => Math.max(0, ...reports.map((report) => report[key]));
  const faulty = reports.filter(({ faults }) => faults.length > 0).length;
  const offsets = reports.flatMap(({ pastLimit, firstRefusedMs }) =>
    pastLimit && firstRefusedMs !== null ? [Math.abs(firstRefusedMs - limitMs)] : [],
  );
  const recovered = reports.flatMap(({ recoveredMs }) => (recoveredMs === null ? [] : [recoveredMs]));
  return [
    `${reports.length} scenarios, ${faulty} with faults: sent ${total("sent")} = ${total("confirmed")} confirmed + ${total("queued")} queued + ${total("refused")} refused`,
    `lost ${worst("lost")}, doubled ${worst("doubled")}`,
    `first 503 at most ${offsets.length === 0 ? "?" : Math.max(...offsets)} ms from the limit (${offsets.length} outages past it)`,
    `first 201 at most ${recovered.length === 0 ? "?" : Math.max(...recovered)} ms after the end`,
  ].join("; ");
}
