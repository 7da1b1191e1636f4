import { checkKeys, expected, isPlainObject } from "@db/core";

/** What `node:tls` takes, for `wss` and `https`. Nothing here is ever shown in a message. */
export interface TlsOptions {
  /** Certificates to trust instead of the process's own. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The client's certificate, with its `key`. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  readonly passphrase?: string;
  /** The name that the server's certificate must have. Default: the url's host. */
  readonly servername?: string;
  /** `false` trusts anybody: for tests only. Default true. */
  readonly rejectUnauthorized?: boolean;
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
}

const KNOWN = ["ca", "cert", "key", "passphrase", "servername", "rejectUnauthorized", "minVersion"];

/** @throws TypeError for an unknown option, or one for a url without TLS */
export function readTls(tls: TlsOptions | undefined, url: URL): TlsOptions | undefined {
  if (tls === undefined) return undefined;
  if (!isPlainObject(tls)) throw expected("surreal: tls", "an object", tls);
  checkKeys("surreal: tls", tls, KNOWN);
  if (url.protocol !== "wss:" && url.protocol !== "https:")
    throw new TypeError(`surreal: tls: expected only with wss or https, got ${url.protocol.slice(0, -1)}`);
  return { ...tls };
}
