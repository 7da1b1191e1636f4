import { parse, Range, type SemVer, satisfies } from "semver";
import { checkKeys, expected } from "./options.ts";

/** What `VersionChecker` takes. */
export interface VersionCheckerOptions {
  /** What can work at all, as a semver range. */
  readonly range: string;
  /** What the tests ran on: ranges or versions. Default none. */
  readonly tested?: readonly string[];
  /** Whether prereleases count as being in the range. Default false: they are `unsupported`. */
  readonly allowPrerelease?: boolean;
}

/** `unknown`: the text holds no version. Whether to go on then is the caller's choice. */
export type VersionVerdict = "tested" | "untested" | "unsupported" | "unknown";

/** What was found in a reported text. */
export interface VersionCheck {
  readonly verdict: VersionVerdict;
  /** As it was reported. */
  readonly reported: string;
  /** The version found in it. */
  readonly version: string | undefined;
}

/** Judges a server's version by semver; prefixes such as `surrealdb-3.0.2` or `v17.1` are understood. */
export class VersionChecker {
  readonly range: string;
  readonly #tested: readonly string[];
  readonly #includePrerelease: boolean;

  /** @throws TypeError for an option that is unknown or wrong */
  constructor(options: VersionCheckerOptions) {
    checkKeys("VersionChecker", options, ["range", "tested", "allowPrerelease"]);
    this.range = checkRange("range", options.range);
    this.#tested = (options.tested ?? []).map((range) => checkRange("tested", range));
    this.#includePrerelease = options.allowPrerelease ?? false;
  }

  /** Judges what a server reports of itself; never throws. */
  check(reported: string): VersionCheck {
    const version = typeof reported === "string" ? findVersion(reported) : undefined;
    if (version === undefined) return { verdict: "unknown", reported, version };
    return { verdict: this.#judge(version), reported, version: version.version };
  }

  #judge(version: SemVer): VersionVerdict {
    if (version.prerelease.length > 0 && !this.#includePrerelease) return "unsupported";
    const includePrerelease = this.#includePrerelease;
    if (!satisfies(version, this.range, { includePrerelease })) return "unsupported";
    return this.#tested.some((range) => satisfies(version, range, { includePrerelease })) ? "tested" : "untested";
  }
}

function checkRange(option: string, range: string): string {
  try {
    return new Range(range).raw;
  } catch {
    throw expected(option, "a semver range", range);
  }
}

/** The first thing that reads as major.minor[.patch], with its prerelease; a word before it is a prefix. */
function findVersion(reported: string): SemVer | undefined {
  const found = /^(?:[A-Za-z]+[ -]?)?v?(\d+\.\d+)(\.\d+)?((?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)(?:\s|$)/.exec(
    reported.trim(),
  );
  if (found === null) return undefined;
  const [, minor, patch = ".0", rest = ""] = found;
  return parse(`${minor}${patch}${rest}`) ?? undefined;
}
