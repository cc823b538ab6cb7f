// Writes docs/reference/errors.md from the error catalogue. test/errors-catalogue.test.ts refuses a
// file that differs; after a change run: npm run docs:errors
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ERROR_CATALOGUE } from "../src/base/errors.ts";
import { runIfMain } from "./is-main.ts";
import { ROOT } from "./repository-files.ts";

/** Where the page stands in the repository. */
export const ERRORS_PAGE = "docs/reference/errors.md";

interface Entry {
  readonly status: number;
  readonly message: string;
  readonly advice: string;
}

const HEAD = `# Errors

<!-- Written by scripts/gen-errors.ts from src/base/errors.ts: change it there. -->

Every failure has a code, which programs may rely on: it is never renamed and never given to
something else. The message is for people and may change. \`details\` names the fields or parameters
that are wrong, never the data of a row.

\`\`\`json
{
  "error": {
    "code": "VALIDATION_ERROR",
    "message": "The request body is not valid.",
    "details": [{ "field": "title", "message": "is required" }]
  }
}
\`\`\`

| Code | Status | Meaning | What to do |
| --- | --- | --- | --- |
`;

/** The whole page for a catalogue. */
export function renderErrorsPage(catalogue: Readonly<Record<string, Entry>>): string {
  const rows = Object.entries(catalogue).map(([code, { status, message, advice }]) => {
    const cells = [`\`${code}\``, status, message, advice].map((cell) => escapeCell(`${cell}`));
    return `| ${cells.join(" | ")} |\n`;
  });
  return HEAD + rows.join("");
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

await runIfMain(import.meta.url, async () => {
  const path = join(ROOT, ERRORS_PAGE);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, renderErrorsPage(ERROR_CATALOGUE));
  process.stdout.write(`${ERRORS_PAGE}: ${Object.keys(ERROR_CATALOGUE).length} codes\n`);
});
