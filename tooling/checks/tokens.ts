/** A piece of TypeScript, as coarse as finding imports needs it. */
export interface Token {
  readonly kind: "word" | "string" | "template" | "punctuation";
  readonly text: string;
}

// After one of these a slash begins a regular expression; after anything else it divides.
const beforeRegex = new Set([
  ..."(,=:[!&|?{};<>+-*%~^",
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "await",
  "yield",
  "=>",
]);

/**
 * Splits source text into words, strings and punctuation, without comments and regular expressions. The text of a
 * string is what stands between its quotes. Code inside `${}` of a template is tokenised too.
 *
 * A slash after `)` or `}` is read as a division, so a regular expression that begins a statement there is misread;
 * the formatter and the linter make such code improbable.
 */
export function* tokenize(source: string): Generator<Token, void, undefined> {
  // One entry for each `${` that is open: how many braces inside it are open.
  const templates: number[] = [];
  let previous = ";";
  let at = 0;

  while (at < source.length) {
    const char = source.charAt(at);
    const token = next(char);
    if (token === undefined) continue;
    previous = token.text;
    yield token;
  }

  function next(char: string): Token | undefined {
    if (/\s/.test(char)) return skip(1);
    if (source.startsWith("//", at)) return skipPast("\n", 2);
    if (source.startsWith("/*", at)) return skipPast("*/", 2);
    if (char === '"' || char === "'") return { kind: "string", text: quoted(char) };
    if (char === "`") return template(1);
    if (char === "/" && beforeRegex.has(previous)) return regex();
    if (char === "{" && templates.length > 0) templates.push((templates.pop() ?? 0) + 1);
    if (char === "}" && templates.length > 0) {
      const open = templates.pop() ?? 0;
      if (open === 0) return template(1);
      templates.push(open - 1);
    }
    const word = /[\p{ID_Start}$_#@][\p{ID_Continue}$]*|\d[\w.]*/uy;
    word.lastIndex = at;
    const text = word.exec(source)?.[0];
    at += text?.length ?? 1;
    return text === undefined ? { kind: "punctuation", text: char } : { kind: "word", text };
  }

  function skip(count: number): undefined {
    at += count;
  }

  function skipPast(end: string, from: number): undefined {
    const found = source.indexOf(end, at + from);
    at = found === -1 ? source.length : found + end.length;
  }

  function quoted(quote: string): string {
    const start = at + 1;
    at = start;
    while (at < source.length && source.charAt(at) !== quote) at += source.charAt(at) === "\\" ? 2 : 1;
    at += 1;
    return source.slice(start, at - 1);
  }

  /** Reads literal text up to the end of the template or to the next `${`, whose code follows as tokens. */
  function template(from: number): Token {
    const start = at + from;
    at = start;
    while (at < source.length && source.charAt(at) !== "`" && !source.startsWith("${", at)) {
      at += source.charAt(at) === "\\" ? 2 : 1;
    }
    const text = source.slice(start, at);
    if (source.startsWith("${", at)) {
      templates.push(0);
      at += 2;
    } else at += 1;
    return { kind: "template", text };
  }

  function regex(): Token {
    let inClass = false;
    at += 1;
    while (at < source.length && (inClass || source.charAt(at) !== "/") && source.charAt(at) !== "\n") {
      const char = source.charAt(at);
      if (char === "[") inClass = true;
      if (char === "]") inClass = false;
      at += char === "\\" ? 2 : 1;
    }
    at += 1;
    return { kind: "punctuation", text: "/regex/" };
  }
}
