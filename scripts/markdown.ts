// Reads what can be checked in a page of documentation: its code blocks, links and headings. Pure.

export interface CodeBlock {
  /** The first word after the fence; empty when there is none. */
  readonly language: string;
  /** title="…" after the language. */
  readonly title: string | undefined;
  /** Further bare words after the language. */
  readonly flags: readonly string[];
  readonly code: string;
  /** The line of the page on which the code starts, counted from 1. */
  readonly line: number;
}

export interface Link {
  readonly target: string;
  readonly line: number;
}

const FENCE = /^(?<indent> *)(?<marks>`{3,}|~{3,})(?<info>[^`]*)$/;

/** The fenced code blocks of a page, in order. */
export function blocksOf(page: string): CodeBlock[] {
  const lines = page.split("\n");
  const blocks: CodeBlock[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const opening = FENCE.exec(lines[index] ?? "")?.groups;
    if (!opening) continue;
    const { indent = "", marks = "", info = "" } = opening;
    const start = index + 1;
    const isClosing = (line: string) => line.trimStart().startsWith(marks) && line.trim() === marks;
    index = start;
    while (index < lines.length && !isClosing(lines[index] ?? "")) index += 1;
    const code = lines.slice(start, index).map((line) => line.replace(indent, ""));
    blocks.push({ ...parseInfo(info), code: `${code.join("\n")}\n`, line: start + 1 });
  }
  return blocks;
}

function parseInfo(info: string): Pick<CodeBlock, "language" | "title" | "flags"> {
  const title = /\btitle="(?<title>[^"]*)"/.exec(info)?.groups?.title;
  const words = info
    .replace(/\btitle="[^"]*"/, "")
    .trim()
    .split(/\s+/);
  const [language = "", ...flags] = words;
  return { language, title, flags };
}

/** The page with code blocks blanked out, line by line, so that positions stay. */
export function withoutBlocks(page: string): string {
  const lines = page.split("\n");
  for (const block of blocksOf(page)) {
    const count = block.code.split("\n").length - 1;
    lines.fill("", block.line - 2, block.line + count);
  }
  return lines.join("\n");
}

/** Every link and image, inline or by reference; code is not searched. */
export function linksOf(page: string): Link[] {
  return withoutBlocks(page)
    .split("\n")
    .flatMap((text, index) => {
      const prose = text.replace(/`[^`]*`/g, "");
      const inline = prose.matchAll(/\]\(\s*<?(?<target>[^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g);
      const defined = prose.matchAll(/^\s*\[[^\]]+\]:\s*(?<target>\S+)/g);
      return [...inline, ...defined].map((match) => {
        return { target: match.groups?.target ?? "", line: index + 1 };
      });
    });
}

/** Files of the repository that the prose names in code marks: `src/layers.ts`. */
export function filesNamedIn(page: string): Link[] {
  return withoutBlocks(page)
    .split("\n")
    .flatMap((text, index) => {
      const named = /`(?<target>(?:bench|docs|examples|scripts|src|test)\/[\w./-]*\.[a-z]+)`/g;
      return [...text.matchAll(named)].map((match) => {
        return { target: match.groups?.target ?? "", line: index + 1 };
      });
    });
}

/** The anchors that the headings of a page get on the usual hosts of repositories. */
export function anchorsOf(page: string): string[] {
  const headings = withoutBlocks(page).matchAll(/^#{1,6}\s+(?<heading>.+?)\s*#*$/gm);
  const seen = new Map<string, number>();
  return [...headings].map((match) => {
    const text = (match.groups?.heading ?? "").toLowerCase().replace(/\]\([^)]*\)/g, "");
    const anchor = text.replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    return count === 0 ? anchor : `${anchor}-${count}`;
  });
}
