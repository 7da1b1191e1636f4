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
    username: read(settings.username),
    password: read(settings.password),
    operatorToken: read(settings.operatorToken),
    labUrl: read(settings.labUrl),
    unavailableAfterMs: read(settings.unavailableAfterMs),
    poolMin: read(settings.poolMin),
    poolMax: read(settings.poolMax),
    queueMaxEntries: read(settings.queueMaxEntries),
    metricsLevel: read(settings.metricsLevel),
    tracesUrl: read(settings.tracesUrl),
  };
  if (config.poolMin > config.poolMax)
    faults.push(`${settings.poolMin.variable}: expected at most ${settings.poolMax.variable}`);
  // A trace that ends before the database would look as if that had not been asked.
  if (config.tracesUrl && config.metricsLevel === "basic")
    faults.push(
      `${settings.metricsLevel.variable}: expected detailed or all where ${settings.tracesUrl.variable} is set`,
    );
  if (faults.length > 0) throw new ConfigFault(faults);
  return config;
}

const SECRETS: ReadonlySet<keyof Settings> = new Set(["password", "operatorToken", "labUrl"]);

/** The configuration as it may be shown. A URL holds no password: that is refused when it is read. */
export function configFacts(config: Config): readonly (readonly [variable: string, value: string])[] {
  return (Object.keys(settings) as (keyof Settings)[]).map((name) => {
    const { variable } = settings[name];
    const value = config[name];
    if (SECRETS.has(name)) return [variable, value === "" ? "not set" : "set"];
    return [variable, name.endsWith("Ms") ? `${Number(value) / 1_000} s` : String(value) || "not set"];
  });
}
