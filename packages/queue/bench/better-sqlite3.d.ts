/** What the bench uses of it; the package brings no types. */
declare module "better-sqlite3" {
  export default class Database {
    constructor(path: string);
    pragma(text: string): unknown;
    exec(text: string): this;
    prepare(text: string): { run(...values: unknown[]): unknown };
    close(): this;
  }
}
