import type { Check } from "../check.ts";
import { startNotes } from "../service.ts";

interface HealthDocument {
  readonly status: string;
  readonly version: string;
  readonly checks: Readonly<Record<string, readonly { readonly observedValue?: number }[]>>;
}

export const health: Check = {
  name: "health",
  about: "the service says how it is, to machines and to people",
  async run({ claim }, ground) {
    const { url } = await startNotes(ground);
    for (const path of ["/livez", "/readyz", "/startupz"]) {
      const answer = await fetch(`${url}${path}`);
      claim(`${path} is 200`, answer.status === 200, `${answer.status} ${await answer.text()}`);
    }
    const answer = await fetch(`${url}/health`);
    const type = answer.headers.get("content-type");
    claim("/health is health+json", type === "application/health+json", String(type));
    const { status, version, checks } = (await answer.json()) as HealthDocument;
    claim("… that passes, with the version", status === "pass" && version !== "", `${status}, ${version}`);
    const responseTime = checks["db:responseTime"]?.[0]?.observedValue;
    claim("… the database's response time", typeof responseTime === "number", `${responseTime?.toFixed(2)} ms`);
    const depth = checks["queue:depth"]?.[0]?.observedValue;
    claim("… and the queue's depth", depth === 0, `${depth} writes`);
  },
};
