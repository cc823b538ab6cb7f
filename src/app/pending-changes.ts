// Whether the declared tables are ahead of the migrations. Reads files alone, and no database.
import { readLatestSnapshot } from "../migrate/files.ts";
import { planMigration } from "../migrate/plan.ts";
import { schemaSource } from "../migrate/source.ts";
import type { Project } from "./project.ts";

/** Throws StartError where that cannot be told: without drizzle-kit, or for a possible rename. */
export async function hasPendingChanges(project: Project): Promise<boolean> {
  const previous = await readLatestSnapshot(project.migrations);
  const plan = await planMigration(schemaSource(project.backend, project.model), previous);
  return !plan.empty;
}
