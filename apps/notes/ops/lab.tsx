import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { LabState } from "../src/ops-feed.ts";
import { count, duration } from "./format.ts";
import { Panel } from "./panel.tsx";
import { about } from "./store.ts";

const lab = signal<LabState | undefined>(undefined);

/** Makes faults, and counts what became of every write meanwhile. */
export function LabPanel() {
  const { hasLab } = about.value ?? { hasLab: false };
  useEffect(() => {
    if (!hasLab) return;
    void ask("/ops/lab");
    const timer = setInterval(() => void ask("/ops/lab"), 500);
    return () => clearInterval(timer);
  }, [hasLab]);
  const state = lab.value;
  if (!hasLab || state === undefined) return null;
  const { playing, tally, scenarios, last } = state;
  return (
    <Panel title="Fault lab" wide aside={playing === null ? "a writer is at work" : `playing: ${playing}`}>
      <div class="buttons">
        {scenarios.map(({ name, title }) => (
          <button
            type="button"
            key={name}
            aria-pressed={playing === name}
            disabled={playing !== null}
            onClick={() => void ask(`/ops/lab/${name}`, "POST")}
          >
            {title}
          </button>
        ))}
      </div>
      {tally === null ? null : (
        <p class="sum">
          <b id="lab-sent">{count(tally.sent)}</b> sent = <b>{count(tally.confirmed)}</b> confirmed +{" "}
          <b>{count(tally.queued)}</b> queued + <b>{count(tally.refused)}</b> refused
          {tally.open > 0 ? <> + {count(tally.open)} open</> : null}.{" "}
          {tally.checked === 0 ? (
            "What was acknowledged is read back after each fault; so far "
          ) : (
            <>
              <b>{count(tally.checked)}</b> acknowledged were read back:{" "}
            </>
          )}
          <b id="lab-lost" class={tally.lost > 0 ? "bad" : "good"}>
            lost {count(tally.lost)}
          </b>
          ,{" "}
          <b id="lab-doubled" class={tally.doubled > 0 ? "bad" : "good"}>
            doubled {count(tally.doubled)}
          </b>
          .
        </p>
      )}
      {last === null ? null : (
        <p class="aside" id="lab-last">
          {last.scenario}: {last.faults.length === 0 ? "as promised" : last.faults.join("; ")}
          {last.firstRefusedMs === null ? "" : `, first 503 after ${duration(last.firstRefusedMs)}`}, first 201{" "}
          {duration(last.recoveredMs)} after the end
        </p>
      )}
    </Panel>
  );
}

async function ask(path: string, method = "GET"): Promise<void> {
  try {
    const answer = await fetch(path, { method, headers: { "content-type": "application/json" } });
    if (answer.ok) lab.value = (await answer.json()) as LabState;
  } catch {
    // The service is away; the headline says so.
  }
}
