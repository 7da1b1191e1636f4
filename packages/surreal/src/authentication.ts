import { checkKeys, describe, isPlainObject } from "@db/core";

/** A user of the server (root), or of a namespace or database where these are named. */
export interface UserCredentials {
  readonly username: string;
  readonly password: string;
  readonly namespace?: string;
  readonly database?: string;
}

/** A record's own user, by an access method of the database. */
export interface AccessCredentials {
  readonly access: string;
  /** What the access method asks for. */
  readonly variables: { readonly [name: string]: unknown };
  /** Default: the driver's. */
  readonly namespace?: string;
  readonly database?: string;
}

/** A bearer key of an access method. */
export interface BearerCredentials {
  readonly access: string;
  readonly key: string;
  readonly namespace?: string;
  readonly database?: string;
}

/** A string is a token (JWT). `null` is nobody. */
export type Credentials = UserCredentials | AccessCredentials | BearerCredentials | string | null;

/** Credentials, or where to get them anew each time. */
export type Authentication = Credentials | (() => Credentials | Promise<Credentials>);

const TEXTS = ["username", "password", "access", "key", "namespace", "database"];

/** @throws TypeError naming what was expected; never what came */
export function checkAuthentication(authentication: unknown): Authentication {
  return typeof authentication === "function"
    ? (authentication as () => Promise<Credentials>)
    : checkCredentials(authentication);
}

export function checkCredentials(credentials: unknown): Credentials {
  const what = "{ username, password }, { access, variables }, { access, key }, a token, null or a function";
  if (credentials === null || (typeof credentials === "string" && credentials !== "")) return credentials;
  if (!isPlainObject(credentials)) throw wrong("surreal: authentication", what, credentials);
  checkKeys("surreal: authentication", credentials, [...TEXTS, "variables"]);
  for (const name of TEXTS) {
    const value = credentials[name];
    if (value !== undefined && (typeof value !== "string" || value === ""))
      throw wrong(`surreal: authentication.${name}`, "a non-empty text", value);
  }
  const { username, password, access, key, variables, namespace, database } = credentials;
  const isUser = username !== undefined && password !== undefined && access === undefined;
  const isAccess = access !== undefined && (key !== undefined) !== isPlainObject(variables);
  if (!isUser && !isAccess) throw wrong("surreal: authentication", what, credentials);
  if (database !== undefined && namespace === undefined)
    throw new TypeError("surreal: authentication.namespace: expected with a database, got none");
  return credentials as unknown as Credentials;
}

/** A number may be a password as well: of what is wrong only the kind is told. */
function wrong(option: string, what: string, got: unknown): TypeError {
  const kind = typeof got === "number" || typeof got === "boolean" ? `a ${typeof got}` : describe(got);
  return new TypeError(`${option}: expected ${what}, got ${kind}`);
}

/** As the protocol's `signin` takes them. */
export function signInParameters(
  credentials: UserCredentials | AccessCredentials | BearerCredentials,
  home: { readonly namespace: string; readonly database: string },
): { readonly [name: string]: unknown } {
  if ("username" in credentials) {
    const { username, password, namespace, database } = credentials;
    return { user: username, pass: password, ...(namespace && { ns: namespace }), ...(database && { db: database }) };
  }
  const { access, namespace = home.namespace, database = home.database } = credentials;
  const where = { ns: namespace, db: database, ac: access };
  return "key" in credentials ? { ...where, key: credentials.key } : { ...credentials.variables, ...where };
}
