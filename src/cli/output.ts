// How commands print: colours only to a terminal, errors as one readable block.
import { stripVTControlCharacters, styleText } from "node:util";
import { StartError } from "../base/errors.ts";

type Style = Parameters<typeof styleText>[0];

// A reader that is gone, such as a closed terminal or `| head`, is no reason to fail.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

/** Styled for a terminal; plain when piped or with NO_COLOR. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A document that has its own last line end. */
export function write(text: string): void {
  process.stdout.write(text);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}

/** Columns as wide as what stands in them; the last is not padded. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, cell.length);
    });
  }
  const padded = (row: readonly string[]): string =>
    row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ");
  return rows.map((row) => padded(row).trimEnd()).join("\n");
}

export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const [first = "", ...rest] = tableText([head, ...rows]).split("\n");
  print([styled("bold", first), ...rest].join("\n"));
}

/** Progress goes to standard error, so that piped output stays clean. */
export function progress(message: string): void {
  process.stderr.write(`${message}\n`);
}

export function styledProgress(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr });
}

/** Prints a failure: what, where, what to do next; the cause only when asked for. */
export function printFailure(error: unknown, verbose: boolean): void {
  const heading = styleText("red", "error", { stream: process.stderr });
  const message = error instanceof Error ? error.message : String(error);
  let block = `${heading} ${stripVTControlCharacters(message)}\n`;
  if (error instanceof StartError && error.fix !== undefined) block += `  fix: ${error.fix}\n`;
  const isExpected = error instanceof StartError;
  if (verbose || !isExpected) block += `${explain(error)}\n`;
  else if (error.cause !== undefined) block += "  (--verbose shows the cause)\n";
  process.stderr.write(block);
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by: ${explain(error.cause)}`;
}
