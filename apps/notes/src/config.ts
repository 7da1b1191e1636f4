import { join } from "node:path";
import { type Setting, type Settings, settings } from "./settings.ts";

export type Config = { readonly [K in keyof Settings]: Settings[K] extends Setting<infer T> ? T : never };

/** Every fault of the environment, a sentence each. */
export class ConfigFault extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join("\n"));
    this.name = "ConfigFault";
    this.faults = faults;
  }
}

/**
 * Reads the whole configuration. A variable that is empty counts as absent.
 * @throws ConfigFault with all that is wrong at once
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const faults: string[] = [];
  const read = <T>({ variable, fallback, expected, parse }: Setting<T>): T => {
    const given = env[variable];
    const value = parse(given === undefined || given === "" ? fallback : given);
    // Never the value: a URL may hold a password.
    if (value === undefined) faults.push(`${variable}: expected ${expected}`);
    return value as T;
  };
  const dataDir = read(settings.dataDir);
  const config: Config = {
    dataDir,
    url: read({ ...settings.url, fallback: `rocksdb://${join(dataDir ?? ".", "notes")}` }),
    port: read(settings.port),
    host: read(settings.host),
    logLevel: read(settings.logLevel),
    namespace: read(settings.namespace),
    database: read(settings.database),
    operationTimeoutMs: read(settings.operationTimeoutMs),
    startupMaxWaitMs: read(settings.startupMaxWaitMs),
    shutdownTimeoutMs: read(settings.shutdownTimeoutMs),
    drainDelayMs: read(settings.drainDelayMs),
    bodyLimitBytes: read(settings.bodyLimitBytes),
    slowCallMs: read(settings.slowCallMs),
  };
  if (faults.length > 0) throw new ConfigFault(faults);
  return config;
}

/** The configuration as it may be shown: a URL may hold a password. */
export function configFacts(config: Config): readonly (readonly [variable: string, value: string])[] {
  return Object.entries(settings).map(([name, { variable }]) => {
    const value = config[name as keyof Config];
    if (name.endsWith("Ms")) return [variable, `${Number(value) / 1_000} s`];
    return [variable, name === "url" ? withoutPassword(String(value)) : String(value)];
  });
}

function withoutPassword(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*@/i, "$1***@");
}
