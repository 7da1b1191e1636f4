import { DatabaseErrorOf, VersionChecker } from "@db/core";
import { type Dialect, SURREAL_2, SURREAL_3, SURREAL_3_OTHER } from "./dialect.ts";

/** What a server can do, by its version. */
export interface ServerFeatures {
  /** As the server reports it. */
  readonly version: string;
  /** Several sessions on one socket. */
  readonly sessions: boolean;
  readonly transactions: boolean;
  readonly live: boolean;
  readonly dialect: Dialect;
}

/** What the tests ran on. */
const TESTED = ["2.6.0", "3.0.2"];
const THREE = new VersionChecker({ range: ">=3.0.0-0", allowPrerelease: true });
const LENIENT = new VersionChecker({ range: "~3.0.2" });

/** The table of versions: judges what a server reports. */
export class ServerVersions {
  readonly #checker: VersionChecker;
  readonly #warned = new Set<string>();

  /** @throws TypeError for what is no range */
  constructor(range: string) {
    this.#checker = new VersionChecker({ range, tested: TESTED });
  }

  /** @throws UNSUPPORTED_VERSION, which no second try will cure */
  check(reported: string): ServerFeatures {
    const { verdict, version } = this.#checker.check(reported);
    const { range } = this.#checker;
    if (version === undefined || verdict === "unsupported") {
      const found = version ?? "a server that does not tell its version";
      throw new DatabaseErrorOf("UNSUPPORTED_VERSION", `expected SurrealDB ${range}, got ${found}`, {
        version: version ?? reported.slice(0, 100),
        range,
      });
    }
    if (verdict === "untested") this.#warn(version);
    const isThree = THREE.check(version).verdict !== "unsupported";
    return {
      version: reported,
      sessions: isThree,
      transactions: isThree,
      live: isThree,
      dialect: isThree ? dialectOfThree(version) : SURREAL_2,
    };
  }

  #warn(version: string): void {
    if (this.#warned.has(version)) return;
    this.#warned.add(version);
    process.emitWarning(
      `SurrealDB ${version} is in the supported range but not among the tested versions (${TESTED.join(", ")})`,
      "DatabaseWarning",
    );
  }
}

function dialectOfThree(version: string): Dialect {
  return LENIENT.check(version).verdict === "unsupported" ? SURREAL_3_OTHER : SURREAL_3;
}

/** Some versions answer the text alone, others an object that has it. */
export function versionText(reported: unknown): string {
  const { version = reported } = (reported ?? {}) as { readonly version?: unknown };
  return String(version);
}
