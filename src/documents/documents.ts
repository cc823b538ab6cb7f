// The pages about a backend, made from its model: written by `backwright docs`, and compared with
// what is there by `backwright docs --check`.
import type { Model } from "../model/model.ts";
import { accessPage } from "./access.ts";
import { architecturePage } from "./architecture.ts";
import { databaseSchemaPage } from "./database-schema.ts";
import { errorReferencePage } from "./error-reference.ts";
import { settingsPage } from "./settings.ts";
import { setupPage, testingPage } from "./setup.ts";

const MARK = "<!-- Written by `backwright docs` from the backend itself: change that. -->";

/** File name → text. The same model gives the same bytes. */
export function documentsOf(model: Model): ReadonlyMap<string, string> {
  const pages: readonly (readonly [string, string])[] = [
    ["backend-architecture.md", architecturePage(model)],
    ["database-schema.md", databaseSchemaPage(model)],
    ["access.md", accessPage(model)],
    ["backend-setup.md", setupPage(model)],
    ["backend-settings.md", settingsPage(model)],
    ["backend-testing.md", testingPage(model)],
    ["errors.md", errorReferencePage()],
  ];
  // The mark stands below the title, where it is seen by whoever edits and by nobody who reads.
  return new Map(pages.map(([name, text]) => [name, text.replace("\n\n", `\n\n${MARK}\n\n`)]));
}
