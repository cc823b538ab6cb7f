// The little of Markdown and Mermaid that the pages need, with text from a model kept harmless.

/** A cell or a line of text: nothing in it ends the cell or begins a tag. */
export function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("\n", " ");
}

export const code = (text: string): string => `\`${text}\``;

/** Names as code, separated by commas; a dash where there are none. */
export const codes = (names: readonly string[]): string =>
  names.length === 0 ? "–" : names.map(code).join(", ");

/** A paragraph written over several lines of source. */
export const prose = (text: string): string => text.trim().replace(/\s*\n\s*/g, " ");

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

export function mermaid(kind: string, lines: readonly string[]): string {
  return ["```mermaid", kind, ...lines.map((line) => `  ${line}`), "```"].join("\n");
}

/** Parts of a page with an empty line between them; what is undefined is left out. */
export function page(...parts: readonly (string | undefined)[]): string {
  return `${parts.filter((part) => part !== undefined && part !== "").join("\n\n")}\n`;
}
