import type { ComponentChildren } from "preact";
import { Chart } from "./chart.tsx";
import { bytes, count, duration, time } from "./format.ts";
import { Facts, Panel, Table } from "./panel.tsx";
import { about, latest, slow, tables, timeline } from "./store.ts";

export function PoolPanel() {
  const connections = tables.value?.connections;
  if (connections == null)
    return (
      <Panel title="Connections">
        <p class="empty">The embedded engine lives in this process: there are no connections to pool.</p>
      </Panel>
    );
  const { agesMs, closed, created, createFailures, timeouts } = connections;
  const reasons = Object.entries(closed).sort(([, a], [, b]) => b - a);
  return (
    <Panel title="Connections" aside={`${count(latest("used"))} of ${count(latest("max"))} in use`}>
      <Chart
        title="Pool"
        stacked={3}
        unit="count"
        lines={[
          { name: "used", label: "used", color: "c1", fill: true },
          { name: "idle", label: "idle", color: "c2", fill: true },
          { name: "connecting", label: "connecting", color: "c3", fill: true },
          { name: "max", label: "limit", color: "muted", dashed: true },
          { name: "waiting", label: "waiting", color: "c4" },
        ]}
      />
      <Chart
        title="Time to get one"
        unit="duration"
        lines={[
          { name: "acquireP50", label: "p50", color: "c2" },
          { name: "acquireP95", label: "p95", color: "c3" },
          { name: "acquireP99", label: "p99", color: "c4" },
        ]}
      />
      <Facts
        facts={[
          ["made", count(created)],
          ["failed to connect", count(createFailures)],
          ["waits timed out", count(timeouts)],
          ["ages", agesOf(agesMs)],
          ["closed", reasons.length === 0 ? "none" : reasons.map(([reason, n]) => `${n} ${reason}`).join(", ")],
        ]}
      />
    </Panel>
  );
}

function agesOf(agesMs: readonly number[]): string {
  if (agesMs.length === 0) return "–";
  const sorted = agesMs.toSorted((a, b) => a - b);
  return `${duration(sorted[0] ?? 0)} to ${duration(sorted.at(-1) ?? 0)}`;
}

export function OperationsPanel() {
  const rows = tables.value?.operations ?? [];
  const errors = tables.value?.errors ?? [];
  return (
    <Panel title="Operations" aside={`${count(latest("rate"))} a second`}>
      <Chart
        title="Rate"
        unit="count"
        lines={[
          { name: "rate", label: "calls/s", color: "c1", fill: true },
          { name: "errors", label: "errors/s", color: "c4" },
          { name: "retries", label: "retries/s", color: "c3" },
        ]}
      />
      <Chart
        title="Latency"
        unit="duration"
        lines={[
          { name: "p50", label: "p50", color: "c2" },
          { name: "p95", label: "p95", color: "c3" },
          { name: "p99", label: "p99", color: "c4" },
        ]}
      />
      <Table
        caption="Calls of the last minute"
        heads={["call", "on", "calls", "errors", "p50", "p95", "p99"]}
        figuresFrom={2}
        empty="No calls in the last minute."
        rows={rows.map(({ operation, collection, calls, errors: failed, p50, p95, p99 }) => [
          operation,
          collection ?? "–",
          count(calls),
          failed > 0 ? <b class="bad">{count(failed)}</b> : "0",
          duration(p50),
          duration(p95),
          duration(p99),
        ])}
      />
      {errors.length === 0 ? null : (
        <p class="codes">
          {errors.map(({ code, count: times }) => (
            <span class="code" key={code}>
              {code} <b>{count(times)}</b>
            </span>
          ))}
        </p>
      )}
    </Panel>
  );
}

export function QueuePanel({ children }: { readonly children?: ComponentChildren }) {
  const queue = tables.value?.queue;
  if (queue == null) return null;
  const { state, pending, dead, parked, oldestAgeMs, ratePerSecond, etaMs, maxEntries } = queue;
  return (
    <Panel
      title="Write queue"
      aside={state === "waiting" ? `${count(pending)} waiting` : `${state}, ${count(pending)} waiting`}
    >
      <Chart
        title="Depth"
        unit="count"
        lines={[
          { name: "queued", label: "waiting", color: "c1", fill: true },
          { name: "drained", label: "drained/s", color: "c2" },
          { name: "dead", label: "dead", color: "c4" },
        ]}
      />
      <Facts
        facts={[
          ["bytes", bytes(queue.bytes)],
          ["oldest", pending === 0 ? "–" : duration(oldestAgeMs)],
          ["drain rate", `${count(Math.round(ratePerSecond))} a second`],
          ["empty in", pending === 0 ? "–" : duration(etaMs)],
          ["limit", count(maxEntries)],
          ["behind dead letters", count(parked)],
          ["dead letters", dead > 0 ? <b class="bad">{count(dead)}</b> : "0"],
        ]}
      />
      {children}
    </Panel>
  );
}

export function TimelinePanel() {
  const entries = timeline.value.toReversed();
  return (
    <Panel title="Timeline">
      {entries.length === 0 ? (
        <p class="empty">Nothing has happened yet.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls by itself, and must be reachable by keyboard to do so.
        <section class="scroll" tabIndex={0} aria-label="What happened, the newest first">
          <ol class="timeline">
            {entries.map(({ seq, at, level, what, detail }) => (
              <li key={seq} class={`level-${level}`}>
                <time>{time(at)}</time>
                <span>{what}</span>
                <small>{detail}</small>
              </li>
            ))}
          </ol>
        </section>
      )}
    </Panel>
  );
}

export function SlowCallsPanel() {
  const rows = slow.value
    .toReversed()
    .map(({ at, operation, collection, durationMs, error }) => [
      time(at),
      operation,
      collection ?? "–",
      error === null ? "ok" : <b class="bad">{error}</b>,
      duration(durationMs),
    ]);
  return (
    <Panel title="Slow calls">
      <Table
        caption="Slow calls, the newest first"
        heads={["at", "call", "on", "ended", "took"]}
        figuresFrom={4}
        empty="None was slow."
        rows={rows}
      />
    </Panel>
  );
}

export function ConfigurationPanel() {
  const configuration = about.value?.configuration ?? [];
  return (
    <Panel title="Configuration" wide>
      <Facts facts={configuration} />
    </Panel>
  );
}
