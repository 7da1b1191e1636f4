import type { Dialect } from "./dialect.ts";

/** A name as SurrealQL takes it whatever it holds. Callers' names are checked by core before; this is the second lock. */
export function identifier(name: string): string {
  return `\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``;
}

/**
 * Collects the values of a statement; each becomes a parameter, so none is ever part of the text. Names of ours begin with
 * an underscore: a scope's variables, which the schema may use, do not.
 */
export class Parameters {
  readonly values: { [name: string]: unknown } = {};
  readonly dialect: Dialect;
  #count = 0;

  constructor(dialect: Dialect) {
    this.dialect = dialect;
  }

  /** The text that stands for the value. */
  bind(value: unknown): string {
    const name = `_p${this.#count}`;
    this.#count += 1;
    this.values[name] = value;
    return `$${name}`;
  }

  /**
   * What is at a path of a row, as text: every name is a parameter, and nothing is found through arrays, links or
   * scalars, where a dotted path would map or fetch.
   */
  path(names: readonly string[]): string {
    return this.dialect.path(names.map((name) => this.bind(name)));
  }
}
