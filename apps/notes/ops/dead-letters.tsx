import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ShownLetter, ShownLetters } from "../src/ops-feed.ts";
import { count, time } from "./format.ts";
import { about, tables } from "./store.ts";

const shown = signal<ShownLetters | undefined>(undefined);
const fault = signal("");
/** The letter and the button whose click waits for a second one. */
const asked = signal<{ readonly seq: number; readonly action: "redrive" | "discard" } | undefined>(undefined);

const TOKEN = "notes-operator-token";

/** Writes that the database refused. Anybody sees that they are there; what they hold, and the buttons, are the operator's. */
export function DeadLetters() {
  const dead = tables.value?.queue?.dead ?? 0;
  useEffect(() => void load(), [dead]);
  const letters = shown.value?.letters ?? [];
  if (dead === 0 && letters.length === 0) return null;
  return (
    <section class="dead" aria-labelledby="dead-letters">
      <h3 id="dead-letters">Dead letters</h3>
      {shown.value?.isOperator ? null : <TokenForm />}
      {fault.value === "" ? null : (
        <p class="bad" role="alert">
          {fault.value}
        </p>
      )}
      <ul>
        {letters.map((letter) => (
          <Letter key={letter.seq} letter={letter} />
        ))}
      </ul>
    </section>
  );
}

function Letter({ letter }: { readonly letter: ShownLetter }) {
  const { seq, kind, id, queuedAt, attempts, error, parked, detail } = letter;
  const question = asked.value?.seq === seq ? asked.value.action : undefined;
  return (
    <li>
      <p>
        <b>{kind}</b> <code>{id ?? "?"}</code> <span class="code">{error ?? "unknown"}</span>
      </p>
      <p class="aside">
        queued {time(queuedAt)}, {count(attempts)} {attempts === 1 ? "attempt" : "attempts"}
        {parked > 0 ? `, ${count(parked)} wait behind it` : ""}
      </p>
      {detail === null ? null : (
        <>
          <details>
            <summary>What it holds</summary>
            <p>{detail.message}</p>
            <pre>{detail.data}</pre>
          </details>
          <div class="buttons">
            {question === undefined ? (
              <>
                <button type="button" onClick={() => (asked.value = { seq, action: "redrive" })}>
                  Try again
                </button>
                <button type="button" class="danger" onClick={() => (asked.value = { seq, action: "discard" })}>
                  Discard
                </button>
              </>
            ) : (
              <Confirm seq={seq} action={question} />
            )}
          </div>
        </>
      )}
    </li>
  );
}

function Confirm({ seq, action }: { readonly seq: number; readonly action: "redrive" | "discard" }) {
  const isDiscard = action === "discard";
  const confirm = (event: SubmitEvent): void => {
    event.preventDefault();
    const reason = new FormData(event.currentTarget as HTMLFormElement).get("reason");
    asked.value = undefined;
    void act(`/ops/dead-letters/${seq}/${action}`, isDiscard ? { reason } : undefined);
  };
  return (
    <form onSubmit={confirm}>
      {isDiscard ? (
        <label>
          Why is it given up? <input name="reason" required maxLength={500} />
        </label>
      ) : (
        <span>Apply it, and what waits behind it?</span>
      )}
      <button type="submit" class={isDiscard ? "danger" : undefined}>
        {isDiscard ? "Discard for good" : "Yes, try again"}
      </button>
      <button type="button" onClick={() => (asked.value = undefined)}>
        Cancel
      </button>
    </form>
  );
}

function TokenForm() {
  if (about.value?.hasOperator !== true)
    return <p class="aside">To decide about them, start the service with OPS_TOKEN.</p>;
  const enter = (event: SubmitEvent): void => {
    event.preventDefault();
    const token = new FormData(event.currentTarget as HTMLFormElement).get("token");
    sessionStorage.setItem(TOKEN, String(token));
    void load().then(() => {
      if (shown.value?.isOperator === false) fault.value = "This is not the operator's token.";
    });
  };
  return (
    <form onSubmit={enter}>
      <label>
        Operator's token <input name="token" type="password" autocomplete="off" required />
      </label>
      <button type="submit">Use</button>
    </form>
  );
}

async function load(): Promise<void> {
  const answer = await ask("/ops/dead-letters");
  if (answer !== undefined) shown.value = answer as ShownLetters;
}

async function act(path: string, body: object | undefined): Promise<void> {
  await ask(path, { method: "POST", ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const refusal = fault.value;
  await load();
  // That the list could be read does not mean that it was done.
  if (refusal !== "") fault.value = refusal;
}

/** The answer; undefined where there is none, which the page then says. */
async function ask(path: string, init: RequestInit = {}): Promise<unknown> {
  const token = sessionStorage.getItem(TOKEN);
  const headers = {
    "content-type": "application/json",
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  };
  try {
    const answer = await fetch(path, { ...init, headers });
    const body = (await answer.json()) as { readonly detail?: string };
    fault.value = answer.ok ? "" : (body.detail ?? `The service answered ${answer.status}.`);
    return answer.ok ? body : undefined;
  } catch {
    fault.value = "The service did not answer.";
    return undefined;
  }
}
