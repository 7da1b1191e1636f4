import type { ScopedService } from "@db/core";
import type { CaseContext } from "./conformance-case.ts";

/** The services of two tenants. */
export function scoped({ db, options }: CaseContext): readonly [ScopedService, ScopedService] {
  const [one, two] = options.scopes ?? [
    { namespace: "conformance", database: "one" },
    { namespace: "conformance", database: "two" },
  ];
  return [db.withScope(one), db.withScope(two)];
}
