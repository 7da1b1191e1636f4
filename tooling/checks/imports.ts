import { type Token, tokenize } from "./tokens.ts";

export interface Import {
  readonly specifier: string;
  /**
   * - `static`: loaded with the file.
   * - `type`: `import type` and `export type`, gone at run time but present in the declarations.
   * - `dynamic`: `import()`, also in the position of a type, and `require()`.
   */
  readonly kind: "static" | "type" | "dynamic";
}

const statementEnds = new Set([";", "}", ")", "]"]);

/** Every module that a TypeScript source names, in order of appearance. */
export function findImports(source: string): readonly Import[] {
  const tokens = [...tokenize(source)];
  const found: Import[] = [];
  for (const [index, token] of tokens.entries()) {
    if (
      token.kind === "word" &&
      (token.text === "import" || token.text === "export") &&
      startsStatement(tokens, index)
    ) {
      const specifier = findSpecifier(tokens, index);
      const kind = isWord(tokens[index + 1], "type") && !isWord(tokens[index + 2], "from") ? "type" : "static";
      if (specifier !== undefined) found.push({ specifier, kind });
    }
    if (isWord(token, "import") || isWord(token, "require")) {
      const [open, argument] = [tokens[index + 1], tokens[index + 2]];
      if (open?.text !== "(" || open.kind !== "punctuation" || tokens[index - 1]?.text === ".") continue;
      if (argument?.kind === "string" || (argument?.kind === "template" && argument.text !== "")) {
        found.push({ specifier: argument.text, kind: "dynamic" });
      }
    }
  }
  return found;
}

/** The module of `import "x"`, `import … from "x"` or `export … from "x"`; undefined for any other statement. */
function findSpecifier(tokens: readonly Token[], start: number): string | undefined {
  const isImport = tokens[start]?.text === "import";
  const first = tokens[start + 1];
  if (isImport && first?.kind === "string") return first.text;
  const reExports = first?.text === "{" || first?.text === "*" || isWord(first, "type");
  if (!isImport && !reExports) return undefined;
  for (let index = start + 1; index < tokens.length; index += 1) {
    const token = tokens[index];
    const after = tokens[index + 1];
    if (isWord(token, "from") && after?.kind === "string") return after.text;
    // The names between the keyword and `from` are words, strings, commas, braces and a star; all else ends the search.
    const named =
      token?.kind === "word" || token?.kind === "string" || ["{", "}", ",", "*"].includes(token?.text ?? "");
    if (!named) return undefined;
    if (token?.text === "}" && !isWord(after, "from")) return undefined;
  }
  return undefined;
}

function startsStatement(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1];
  // Without semicolons a statement may also follow a word or a string, as the specifier of the import before it.
  return before === undefined || before.kind !== "punctuation" || statementEnds.has(before.text);
}

function isWord(token: Token | undefined, text: string): boolean {
  return token?.kind === "word" && token.text === text;
}
