// Reads TypeScript as text, well enough for the checks: which parts are comments and strings, and
// what is imported. Knows no types; a slash after a value is a division, elsewhere a pattern.

export interface MaskedText {
  /** The source with comments, and the insides of strings and patterns, blanked out. */
  readonly code: string;
  /** The source with comments alone blanked out. */
  readonly withoutComments: string;
  /** The source with everything but comments blanked out. */
  readonly comments: string;
}

export interface ImportedModule {
  /** What stands between the quotes. */
  readonly specifier: string;
  /** True when nothing is left of the import at run time. */
  readonly typeOnly: boolean;
  /** Where the specifier starts in the source. */
  readonly position: number;
  /** Counted from 1. */
  readonly line: number;
}

type Kind = "code" | "comment" | "text";

interface Span {
  readonly end: number;
  readonly kind: Kind;
}

const BEFORE_PATTERN = /(?:^|[([{,;=:!&|?+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|throw))\s*$/;

/** Blanks out comments and texts; the results are as long as the source and keep its lines. */
export function maskText(source: string): MaskedText {
  const kinds: Kind[] = new Array(source.length).fill("code");
  const mark = (start: number, span: Span): number => {
    kinds.fill(span.kind, start, span.end);
    return span.end;
  };
  // Each open template keeps the depth of braces inside its current ${…}.
  const templates: number[] = [];
  let at = 0;
  while (at < source.length) {
    const char = source[at] ?? "";
    const inside = templates.length - 1;
    const depth = templates[inside];
    if (char === "/" && "/*".includes(source[at + 1] ?? " ")) at = mark(at, commentAt(source, at));
    else if (char === '"' || char === "'") at = markInside(at, quotedEnd(source, at, char));
    else if (char === "/" && isPattern(kinds, source, at))
      at = markInside(at, patternEnd(source, at));
    else if (char === "`" || (char === "}" && depth === 0)) {
      if (char === "}") templates.pop();
      const chunk = templateChunk(source, at + 1);
      mark(at + 1, { end: chunk.end, kind: "text" });
      at = chunk.end + (chunk.opens ? 2 : 1);
      if (chunk.opens) templates.push(0);
    } else {
      if (depth !== undefined && char === "{") templates[inside] = depth + 1;
      if (depth !== undefined && char === "}") templates[inside] = depth - 1;
      at += 1;
    }
  }
  return {
    code: keep(source, kinds, ["code"]),
    withoutComments: keep(source, kinds, ["code", "text"]),
    comments: keep(source, kinds, ["comment"]),
  };

  function markInside(start: number, end: number): number {
    mark(start + 1, { end: end - 1, kind: "text" });
    return end;
  }
}

function commentAt(source: string, at: number): Span {
  const closing = source[at + 1] === "*" ? source.indexOf("*/", at + 2) : source.indexOf("\n", at);
  if (closing === -1) return { end: source.length, kind: "comment" };
  return { end: source[at + 1] === "*" ? closing + 2 : closing, kind: "comment" };
}

function quotedEnd(source: string, start: number, quote: string): number {
  for (let at = start + 1; at < source.length; at += 1) {
    if (source[at] === "\\") at += 1;
    else if (source[at] === quote || source[at] === "\n") return at + 1;
  }
  return source.length;
}

function templateChunk(source: string, start: number): { end: number; opens: boolean } {
  for (let at = start; at < source.length; at += 1) {
    if (source[at] === "\\") at += 1;
    else if (source[at] === "`") return { end: at, opens: false };
    else if (source[at] === "$" && source[at + 1] === "{") return { end: at, opens: true };
  }
  return { end: source.length, opens: false };
}

function isPattern(kinds: readonly Kind[], source: string, at: number): boolean {
  let start = at;
  // Comments between the slash and what stands before it say nothing about it.
  while (start > 0 && (kinds[start - 1] === "comment" || /\s/.test(source[start - 1] ?? ""))) {
    start -= 1;
  }
  return BEFORE_PATTERN.test(source.slice(Math.max(0, start - 10), start));
}

function patternEnd(source: string, start: number): number {
  let inClass = false;
  for (let at = start + 1; at < source.length; at += 1) {
    const char = source[at];
    if (char === "\\") at += 1;
    else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "\n" || (char === "/" && !inClass)) return at + 1;
  }
  return source.length;
}

function keep(source: string, kinds: readonly Kind[], wanted: readonly Kind[]): string {
  let text = "";
  for (let at = 0; at < source.length; at += 1) {
    const char = source[at] ?? "";
    text += char === "\n" || wanted.includes(kinds[at] ?? "code") ? char : " ";
  }
  return text;
}

const IMPORTS = [
  // import "x", import a, { type b } from "x", import type { a } from "x"
  /(?<![.\w$])import\b(?<clause>(?:\s+type\b)?[\w$\s,{}*]*?(?:\bfrom)?)\s*["']/g,
  // export * from "x", export { a } from "x", export type { a } from "x"
  /(?<![.\w$])export\b(?<clause>(?:\s+type\b)?\s*(?:\*(?:\s*as\s+\w+)?|\{[^}]*\})\s*from)\s*["']/g,
  // import("x"), and typeof import("x")
  /(?<![.\w$])(?<clause>(?:typeof\s+)?import)\s*\(\s*["']/g,
];

/** Every module that a source names, static, dynamic or for its types; computed names are not. */
export function importsOf(source: string): ImportedModule[] {
  const { code, withoutComments } = maskText(source);
  const found: ImportedModule[] = [];
  for (const pattern of IMPORTS) {
    for (const match of code.matchAll(pattern)) {
      const start = match.index + match[0].length;
      const quote = match[0].at(-1) ?? '"';
      const specifier = withoutComments.slice(start, withoutComments.indexOf(quote, start));
      const clause = match.groups?.clause ?? "";
      const line = lineAt(code, start);
      found.push({ specifier, typeOnly: isTypeOnly(clause), position: start, line });
    }
  }
  return found.sort((a, b) => a.position - b.position);
}

// `import { type A }` is not among them: its module is still loaded at run time.
function isTypeOnly(clause: string): boolean {
  return /^\s*type\b/.test(clause) || clause.startsWith("typeof");
}

/** The line, counted from 1, in which a position stands. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}
