// Writes docs/reference/settings.md from the table of settings. test/settings-table.test.ts refuses
// a file that differs; after a change run: npm run docs:settings
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { SETTING_NAMES } from "../src/base/setting-table.ts";
import { page } from "../src/documents/markdown.ts";
import { settingsReference } from "../src/documents/settings.ts";
import { runIfMain } from "./is-main.ts";
import { ROOT } from "./repository-files.ts";

/** Where the page stands in the repository. */
export const SETTINGS_PAGE = "docs/reference/settings.md";

const HEAD = "# Settings";
const ORIGIN =
  "<!-- Written by scripts/gen-settings.ts from src/base/setting-table.ts: change it there. -->";

const INTRODUCTION =
  "What a backend reads from the environment. `backwright dev` is development, everything else " +
  "production; `backwright docs` writes this page for a backend of your own.";

/** The whole page. */
export const renderSettingsPage = (): string =>
  page(HEAD, ORIGIN, ...settingsReference(INTRODUCTION, "myapp"));

await runIfMain(import.meta.url, async () => {
  writeFileSync(join(ROOT, SETTINGS_PAGE), renderSettingsPage());
  process.stdout.write(`${SETTINGS_PAGE}: ${SETTING_NAMES.length} settings\n`);
});
