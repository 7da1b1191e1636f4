/** What one published package may depend on. Whatever its row does not name is refused. */
export interface Row {
  /** Installed along with the package. */
  readonly dependencies?: readonly string[];
  /** Brought by the user of the package, always. */
  readonly peers?: readonly string[];
  /** Brought by the user who wants the part that needs it; no file that the main entry loads may import it. */
  readonly optionalPeers?: readonly string[];
  /** Named in the types alone, by `import type`. */
  readonly types?: readonly string[];
}

/** The dependency graph of the packages. An arrow that is not here is a decision to take, not an import to add. */
export const allowed: Readonly<Record<string, Row>> = {
  "@db/core": { dependencies: ["semver", "uuidv7"] },
  "@db/metrics": { peers: ["@opentelemetry/api"], optionalPeers: ["@opentelemetry/exporter-prometheus"] },
  "@db/models": {
    dependencies: ["valibot"],
    peers: ["@db/core"],
    optionalPeers: ["@valibot/to-json-schema"],
    types: ["@standard-schema/spec"],
  },
  "@db/pool": {},
  "@db/queue": { peers: ["@db/core"], optionalPeers: ["cbor-x", "msgpackr"] },
  "@db/retry": { optionalPeers: ["@db/core"] },
  "@db/surreal": {
    dependencies: ["@db/pool", "@db/retry", "ws"],
    peers: ["@db/core", "surrealdb"],
    optionalPeers: ["@surrealdb/node"],
  },
  "@db/testing": { peers: ["@db/core"], optionalPeers: ["@surrealdb/node", "surrealdb", "testcontainers", "ws"] },
  // A new package gets its row above this line.
};
