import { duration, seconds, time } from "./format.ts";
import { about, frozen, headline, heardAt, now, range, STALE_MS, saidBye, serviceNow, setFrozen } from "./store.ts";

interface Verdict {
  readonly tone: "good" | "warn" | "bad" | "quiet";
  readonly word: string;
  readonly meaning: string;
}

/** How it is in a word, since when, and what comes next. */
export function HeadlineBar() {
  const { tone, word, meaning } = verdict();
  const state = headline.value;
  const at = serviceNow();
  return (
    <header class={`headline tone-${tone}`}>
      <div class="verdict" role="status">
        <span class="lamp" aria-hidden="true" />
        <div>
          <h1>{word}</h1>
          <p>{meaning}</p>
        </div>
      </div>
      <dl class="clocks">
        {state?.since == null ? null : (
          <div>
            <dt>since</dt>
            <dd>
              {time(state.since)} <small>({duration(Math.max(0, at - state.since))})</small>
            </dd>
          </div>
        )}
        {state?.nextAttemptAt == null || state.state !== "failed" ? null : (
          <div>
            <dt>next dial in</dt>
            <dd class="countdown">{state.nextAttemptAt > at ? seconds(state.nextAttemptAt - at) : "now"}</dd>
          </div>
        )}
        {state?.unavailableAt == null || state.state !== "failed" || state.refusing ? null : (
          <div>
            <dt>refuses in</dt>
            <dd class="countdown">{seconds(state.unavailableAt - at)}</dd>
          </div>
        )}
      </dl>
      <Controls />
    </header>
  );
}

function Controls() {
  const facts = about.value;
  return (
    <div class="controls">
      <label>
        <span class="for-screen-readers">How far back the charts go</span>
        <select value={range.value} onChange={(event) => (range.value = Number(event.currentTarget.value))}>
          <option value={60}>1 min</option>
          <option value={300}>5 min</option>
          <option value={900}>15 min</option>
        </select>
      </label>
      <button type="button" aria-pressed={frozen.value} onClick={() => setFrozen(!frozen.value)}>
        {frozen.value ? "Go on" : "Freeze"}
      </button>
      <p class="build">{facts === undefined ? "" : `${facts.service} ${facts.version} · Node ${facts.node}`}</p>
    </div>
  );
}

export function isStale(): boolean {
  return saidBye.value || now.value - heardAt.value > STALE_MS;
}

function verdict(): Verdict {
  const state = headline.value;
  if (state === undefined) return { tone: "quiet", word: "Connecting", meaning: "to the service" };
  if (isStale()) {
    const meaning = `Nothing heard from the service since ${time(heardAt.value)}; what is shown is old.`;
    return { tone: "quiet", word: "Stale", meaning };
  }
  if (state.draining)
    return {
      tone: "warn",
      word: "Stopping",
      meaning: "Requests are answered until the port is closed; those under way end.",
    };
  switch (state.state) {
    case "connected":
      return { tone: "good", word: "Healthy", meaning: "The database answers." };
    case "connecting":
      return { tone: "quiet", word: "Starting", meaning: "Waiting for the first connection." };
    case "failed":
      return state.refusing
        ? { tone: "bad", word: "Unavailable", meaning: `Requests are refused at once with 503 (${state.errorCode}).` }
        : {
            tone: "warn",
            word: "Outage",
            meaning: `The database is away (${state.errorCode}); writes wait in the queue.`,
          };
    default:
      return { tone: "quiet", word: state.state === "closed" ? "Closed" : "Not connected", meaning: "" };
  }
}
