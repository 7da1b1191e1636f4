import { createDatabase, type DatabaseService, logLayer } from "@db/core";
import { MockDatabase } from "@db/testing";
import { expect, onTestFinished, vi } from "vitest";
import { type AppOptions, createApp } from "../src/app.ts";
import type { ProblemDocument } from "../src/problem.ts";

export const note = { title: "Milk", content: "Two litres.", author: "ada" };

interface LogLine {
  readonly level: string;
  readonly facts: object;
  readonly message: string;
}

export interface Harness {
  readonly app: ReturnType<typeof createApp>;
  readonly db: DatabaseService;
  readonly mock: MockDatabase;
  readonly lines: readonly LogLine[];
}

/** The app on a mock database, connected; both end with the test. */
export async function startApp(options: Partial<Omit<AppOptions, "db" | "logger">> = {}): Promise<Harness> {
  const lines: LogLine[] = [];
  const log =
    (level: string) =>
    (facts: object, message: string): void => {
      lines.push({ level, facts, message });
    };
  const logger = { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
  const mock = new MockDatabase();
  const db = createDatabase({ driver: mock, layers: [logLayer({ logger })] });
  await db.connect();
  onTestFinished(() => db.disconnect({ drainMs: 100 }));
  return { app: createApp({ db, logger, ...options }), db, mock, lines };
}

/** For what is told in whole seconds until something: a machine that pauses would make it one less. */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
}

export function json(method: string, body: unknown): RequestInit {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { method, headers: { "content-type": "application/json" }, body: text };
}

/** The problem document of an answer, which has to have the right shape and headers. */
export async function problemIn(response: Response): Promise<ProblemDocument> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  const problem = (await response.json()) as ProblemDocument;
  expect(problem).toMatchObject({
    type: expect.stringMatching(/^(about:blank|urn:[a-z:-]+)$/),
    title: expect.stringMatching(/./),
    status: response.status,
    detail: expect.stringMatching(/./),
    instance: expect.stringMatching(/^\//),
    requestId: expect.stringMatching(/^[\w-]+$/),
  });
  const known = [
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "requestId",
    "operationId",
    "code",
    "retryAfter",
    "errors",
  ];
  expect(Object.keys(problem).filter((name) => !known.includes(name))).toEqual([]);
  for (const fault of problem.errors ?? []) {
    expect(Object.keys(fault).sort()).toEqual(["detail", "in", "pointer", "rule"]);
    expect(fault.rule).toMatch(/^[a-z][a-z0-9_]*$/);
  }
  if (response.status === 503) expect(Number(response.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  return problem;
}
