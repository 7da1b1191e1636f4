import { setTimeout as sleep } from "node:timers/promises";
import { FaultProxy, startSurreal } from "@db/testing";
import type { Check } from "../check.ts";
import { percentile, timed } from "../measure.ts";
import { jsonRequest, note } from "../requests.ts";
import { startNotes } from "../service.ts";

/** After which requests are refused. */
const LIMIT_MS = 2_000;
const WINDOWS = 3;
const WINDOW_MS = 1_000;

export const outage: Check = {
  name: "outage",
  about: "writes are queued up to the limit, refused with 503 and Retry-After past it, and nothing is lost",
  async run({ claim, atMost }, ground) {
    const { use, signal, progress } = ground;
    const server = use(await startSurreal({ engine: "rocksdb", signal }));
    const proxy = use(await FaultProxy.start({ target: { port: server.port } }));
    const { url } = await startNotes(ground, {
      SURREAL_URL: proxy.url(server.url),
      SURREAL_USER: "root",
      SURREAL_PASS: "root",
      DB_UNAVAILABLE_TIMEOUT: String(LIMIT_MS / 1_000),
      DB_OPERATION_TIMEOUT: "5",
    });
    let acknowledged = 0;
    const write = async (): Promise<Response> => {
      const answer = await fetch(`${url}/notes`, jsonRequest("POST", note));
      if (answer.ok) acknowledged += 1;
      return answer;
    };
    const before = await write();
    claim("before it a write is 201", before.status === 201, String(before.status));

    progress("cut off");
    await proxy.set("refuse");
    const start = performance.now();
    const queued = await write();
    const receipt = (await queued.json()) as {
      readonly id: string;
      readonly operationId: string;
      readonly status: string;
    };
    const location = queued.headers.get("location");
    claim(
      "in it a write is 202, queued, with a Location",
      queued.status === 202 && receipt.status === "queued" && location !== null,
      `${queued.status} ${receipt.status}`,
    );
    const there = await fetch(new URL(location ?? "/", url));
    claim("… which answers 200", there.status === 200, String(there.status));
    const outcome = await operation(url, receipt.operationId);
    claim("… and the operation is waiting", outcome === "waiting", outcome);
    const ready = await fetch(`${url}/readyz`);
    const readiness = ((await ready.json()) as { readonly status: string | number }).status;
    claim(
      "/readyz is 200 with a warning",
      ready.status === 200 && readiness === "warn",
      `${ready.status} ${readiness}`,
    );

    let refused = await write();
    while (refused.status === 202 && performance.now() - start < LIMIT_MS + 3_000) {
      await sleep(50, undefined, { signal });
      refused = await write();
    }
    const firstMs = performance.now() - start;
    claim(
      `the first 503 comes at the limit of ${LIMIT_MS} ms, give or take 1000`,
      refused.status === 503 && Math.abs(firstMs - LIMIT_MS) <= 1_000,
      `${refused.status} after ${Math.round(firstMs)} ms`,
    );
    const retryAfter = refused.headers.get("retry-after") ?? "none";
    claim("… with whole seconds in Retry-After, at least 1", /^[1-9]\d*$/.test(retryAfter), retryAfter);
    claim(
      "… a problem document, not to be stored",
      isProblem(refused),
      `${refused.headers.get("content-type")}, ${refused.headers.get("cache-control")}`,
    );
    const away = await fetch(`${url}/readyz`);
    claim("/readyz is 503", away.status === 503, String(away.status));
    const read = await timed(() => fetch(`${url}/notes`));
    claim("a read is 503", read.value.status === 503, String(read.value.status));
    atMost("… within", read.ms, 100, "ms");

    progress("black hole");
    await proxy.set("black-hole");
    const alive: number[] = [];
    for (let window = 0; window < WINDOWS; window += 1) alive.push(await livezP99(url));
    atMost("/livez meanwhile, p99, the median of three windows,", percentile(alive, 0.5), 20, "ms");

    progress("back");
    await proxy.set("up");
    const back = await timed(async () => {
      while ((await write()).status !== 201) await sleep(20, undefined, { signal });
    });
    atMost("the first 201 after it", back.ms, 2_000, "ms");
    const found = await allNotes(url, acknowledged, signal);
    claim("every write that was acknowledged is there once", found === acknowledged, `${found} of ${acknowledged}`);
    const applied = await operation(url, receipt.operationId);
    claim("… and the operation is applied", applied === "applied", applied);
  },
};

async function operation(url: string, id: string): Promise<string> {
  return ((await (await fetch(`${url}/operations/${id}`)).json()) as { readonly status: string }).status;
}

function isProblem({ headers }: Response): boolean {
  return headers.get("content-type") === "application/problem+json" && headers.get("cache-control") === "no-store";
}

async function livezP99(url: string): Promise<number> {
  const took: number[] = [];
  const until = performance.now() + WINDOW_MS;
  while (performance.now() < until) {
    const { value, ms: one } = await timed(() => fetch(`${url}/livez`));
    await value.arrayBuffer();
    took.push(value.status === 200 ? one : Number.POSITIVE_INFINITY);
    await sleep(2);
  }
  return percentile(took, 0.99);
}

/** How many notes there are, once there are enough or two seconds are over. */
async function allNotes(url: string, wanted: number, signal: AbortSignal): Promise<number> {
  const until = performance.now() + 2_000;
  for (;;) {
    const lines = (await (await fetch(`${url}/notes/export`)).text()).trim().split("\n").filter(Boolean);
    if (lines.length >= wanted || performance.now() > until) return lines.length;
    await sleep(50, undefined, { signal });
  }
}
