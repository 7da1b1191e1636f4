import { KEYWORDS } from "./keywords.ts";

/**
 * A query without its literals: each string, number, duration, date, regular expression, boolean and key of a record id
 * becomes `?`. Comments go, parameters keep their names, identifiers, `NONE` and `NULL` stay. What is not understood is taken for a literal;
 * where a slash may be a division or a regular expression, all after it is. Linear in the length of the text, and the
 * same when applied again. The rules are SurrealQL's; SQL loses its literals, too.
 */
export function sanitizeQuery(text: string): string {
  return new Sanitizer(String(text)).run();
}

const SPACE = /\s+/y;
const COMMENT = /(?:--|#|\/\/)[^\n]*|\/\*[^*]*(?:\*(?!\/)[^*]*)*(?:\*\/|$)/y;
/** With the letter before it that says what the text is: a date, a record, bytes. */
const STRING = /[a-z]?(?:'[^'\\]*(?:\\.[^'\\]*)*(?:'|\\?$)|"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?$))/sy;
/** An identifier of any characters. */
const QUOTED = /`[^`\\]*(?:\\.[^`\\]*)*(?:`|\\?$)|⟨[^⟩\\]*(?:\\.[^⟩\\]*)*(?:⟩|\\?$)/sy;
const PARAMETER = /\$[A-Za-z_]\w*/y;
const NUMBER = /\d(?:[\wµμ]|\.(?=\d)|(?<=[eE])[+-](?=\d))*/y;
/** Letters that are not ASCII make it something else than an identifier. */
const WORD = /[A-Za-z_]\w*(?:[^\s\p{ASCII}×÷∋∌∈∉⊇⊃⊅⊆⊂⊄⟨⟩]\w*)*/uy;
const REGEX = /\/[^/\\]*(?:\\.[^/\\]*)*(?:\/|\\?$)/sy;
/** Of a record id, right behind the colon; brackets are skipped as a whole. */
const KEY = /[+-]?[\wµμ]+/y;
const RANGE = />?\.\.=?/y;
const PUNCTUATION = /\?\?|\?[:.]|::|[()[\]{},;.:=<>!+\-*%^&|@~?×÷∋∌∈∉⊇⊃⊅⊆⊂⊄]/y;
const UNKNOWN = /(?:[^\s\u0020-\u007e⟨]\w*)+|./sy;

const PLAIN_IDENTIFIER = /^(?:`[A-Za-z_][\w -]{0,62}`|⟨[A-Za-z_][\w -]{0,62}⟩)$/;
const VALUES: ReadonlySet<string> = new Set(["true", "false", "nan", "infinity"]);

/** What stands before a slash: a value that can be divided, something after which a value begins, or either. */
type Before = "value" | "operator" | "either";

class Sanitizer {
  readonly #text: string;
  #at = 0;
  readonly #out: string[] = [];
  /** The last two characters of it: to look at a text that grows costs its whole length. */
  #tail = "";
  #before: Before = "operator";
  /** How many brackets deep in a key that is not shown; 0 outside. */
  #hidden = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): string {
    while (this.#at < this.#text.length) this.#step();
    return this.#out.join("").trim();
  }

  #step(): void {
    if (this.#take(SPACE) !== undefined || this.#take(COMMENT) !== undefined) this.#gap();
    else if (this.#take(STRING) !== undefined || this.#take(NUMBER) !== undefined) this.#literal();
    else if (this.#text[this.#at] === "/") this.#slash();
    else this.#name() || this.#punctuation() || this.#unknown();
  }

  /** An identifier, a keyword, a parameter, a constant, or a record id. */
  #name(): boolean {
    const parameter = this.#take(PARAMETER);
    if (parameter !== undefined) {
      this.#put(parameter);
      this.#before = "value";
      return true;
    }
    const isField = this.#tail.endsWith(".") && this.#tail !== "..";
    const quoted = this.#take(QUOTED);
    const word = quoted === undefined ? this.#take(WORD) : undefined;
    if (quoted === undefined && word === undefined) return false;
    if (quoted !== undefined) {
      if (PLAIN_IDENTIFIER.test(quoted)) this.#put(quoted);
      else this.#literal();
      this.#before = "value";
    } else if (word !== undefined) this.#word(word, isField);
    if (this.#text[this.#at] === ":" && this.#text[this.#at + 1] !== ":") this.#recordKey();
    return true;
  }

  #word(word: string, isField: boolean): void {
    const lower = word.toLowerCase();
    if (!/^\w+$/.test(word) || (VALUES.has(lower) && !isField)) this.#literal();
    else {
      this.#put(word);
      this.#before = KEYWORDS.has(lower) && !isField ? "either" : "value";
    }
  }

  /** No space may stand in a record id, so that a field of an object and its value are told apart from one. */
  #recordKey(): void {
    this.#at += 1;
    this.#put(":");
    this.#before = "operator";
    this.#key();
    this.#rangeEnd();
  }

  #key(): void {
    const open = this.#text[this.#at];
    if (open === "[" || open === "{") {
      this.#literal();
      this.#hidden += 1;
      this.#at += 1;
      this.#before = "operator";
      if (this.#hidden === 1) this.#skipHidden();
    } else if ((this.#take(STRING) ?? this.#take(QUOTED) ?? this.#take(KEY)) !== undefined) this.#literal();
  }

  /** To the end of the key's brackets. */
  #skipHidden(): void {
    while (this.#hidden > 0 && this.#at < this.#text.length) this.#step();
    this.#hidden = 0;
    this.#before = "value";
  }

  #rangeEnd(): void {
    const range = this.#take(RANGE);
    if (range === undefined) return;
    this.#put(range);
    this.#before = "operator";
    this.#key();
  }

  #slash(): void {
    if (this.#before === "either" && this.#text.includes("/", this.#at + 1)) {
      this.#literal();
      this.#at = this.#text.length;
    } else if (this.#before === "operator") {
      this.#take(REGEX);
      this.#literal();
    } else {
      this.#at += 1;
      this.#put("/");
      this.#before = "operator";
    }
  }

  #punctuation(): boolean {
    const found = this.#take(PUNCTUATION);
    if (found === undefined) return false;
    const [first = ""] = found;
    // The last bracket of what is hidden is hidden, too.
    if (this.#hidden > 0) this.#hidden += depthOf(first);
    else this.#put(found);
    this.#before = found === "?" || first === ")" || first === "]" ? "value" : first === "}" ? "either" : "operator";
    return true;
  }

  #unknown(): void {
    this.#take(UNKNOWN);
    this.#literal();
  }

  #literal(): void {
    this.#put("?");
    this.#before = "value";
  }

  #put(token: string): void {
    if (this.#hidden > 0) return;
    // Two question marks side by side are an operator.
    const apart = token.startsWith("?") && this.#tail.endsWith("?") ? " " : "";
    this.#out.push(apart, token);
    this.#tail = (this.#tail + apart + token).slice(-2);
  }

  #gap(): void {
    if (!this.#tail.endsWith(" ")) this.#put(" ");
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined || found === "") return undefined;
    this.#at += found.length;
    return found;
  }
}

function depthOf(bracket: string): number {
  if (bracket === "(" || bracket === "[" || bracket === "{") return 1;
  return bracket === ")" || bracket === "]" || bracket === "}" ? -1 : 0;
}
