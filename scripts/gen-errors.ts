// Writes docs/reference/errors.md from the error catalogue. test/errors-catalogue.test.ts refuses a
// file that differs; after a change run: npm run docs:errors
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ERROR_CATALOGUE } from "../src/base/errors.ts";
import { errorReference } from "../src/documents/error-reference.ts";
import { page } from "../src/documents/markdown.ts";
import { runIfMain } from "./is-main.ts";
import { ROOT } from "./repository-files.ts";

/** Where the page stands in the repository. */
export const ERRORS_PAGE = "docs/reference/errors.md";

const HEAD = "# Errors";
const ORIGIN =
  "<!-- Written by scripts/gen-errors.ts from src/base/errors.ts: change it there. -->";

const INTRODUCTION = [
  "Every failure has a code, which programs may rely on: it is never renamed and never given to",
  "something else. The message is for people and may change. `details` names the fields or",
  "parameters that are wrong, never the data of a row.",
].join("\n");

/** The whole page. */
export const renderErrorsPage = (): string => page(HEAD, ORIGIN, ...errorReference(INTRODUCTION));

await runIfMain(import.meta.url, async () => {
  writeFileSync(join(ROOT, ERRORS_PAGE), renderErrorsPage());
  process.stdout.write(`${ERRORS_PAGE}: ${Object.keys(ERROR_CATALOGUE).length} codes\n`);
});
