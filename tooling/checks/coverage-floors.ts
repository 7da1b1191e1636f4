/** The least that the unit tests alone have to reach, in percent, for each set of files. */
export const coverageFloors: Readonly<
  Record<
    string,
    { readonly lines: number; readonly branches?: number; readonly functions?: number; readonly statements?: number }
  >
> = {
  "packages/core/src/**": { lines: 95, branches: 95 },
  "packages/metrics/src/**": { lines: 95, branches: 95 },
  "packages/models/src/**": { lines: 95, branches: 90 },
  "packages/pool/src/**": { lines: 95, branches: 95 },
  "packages/queue/src/**": { lines: 95, branches: 95, functions: 95, statements: 95 },
  "packages/retry/src/**": { lines: 95, branches: 95 },
  "packages/testing/src/!(start-surreal|surreal)*": { lines: 90 },
};
