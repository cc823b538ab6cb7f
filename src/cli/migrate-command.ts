// `backwright migrate …`: new, up, down, status.
import {
  openProjectDatabase,
  type ProjectDatabase,
  requireOwnerUrl,
  withProjectDatabase,
} from "../app/databases.ts";
import { loadProject, type Project } from "../app/project.ts";
import { readLatestSnapshot, writeMigration } from "../migrate/files.ts";
import { draftMigration, planMigration } from "../migrate/plan.ts";
import {
  type MigrationSummary,
  migrateDown,
  migrateUp,
  migrationStatus,
} from "../migrate/runner.ts";
import { schemaSource, wallsOf } from "../migrate/source.ts";
import { SYSTEM_MIGRATIONS } from "../migrate/system.ts";
import { findersOf } from "../sql/finder.ts";
import { print, printJson, progress, styled } from "./output.ts";

/** Writes the next migration from the difference between the tables and the last snapshot. */
export async function newMigration(
  folder: string,
  name: string,
  { byHand, json }: { readonly byHand?: boolean; readonly json?: boolean },
): Promise<void> {
  const project = await loadProject(folder);
  const previous = await readLatestSnapshot(project.migrations);
  const source = schemaSource(project.backend, project.model);
  const plan = await (byHand === true ? draftMigration : planMigration)(source, previous);
  if (plan.empty) {
    if (json === true) printJson({ path: null });
    else print("Nothing to migrate: the tables agree with the last snapshot.");
    return;
  }
  const path = await writeMigration(project.migrations, name, plan);
  if (json === true) {
    printJson({ path });
    return;
  }
  print(`Wrote ${path}`);
  const first = byHand === true ? "Complete" : "Read";
  print(`${first} up.sql and down.sql, then: npx backwright migrate up`);
  print("(a running `dev` applies it itself)");
}

export async function migrateProjectUp(
  folder: string,
  { to, json }: { readonly to?: string; readonly json?: boolean },
): Promise<void> {
  const project = await loadProject(folder);
  const { model } = project;
  const work = async (database: ProjectDatabase): Promise<void> => {
    const options = runnerOptions(project, database);
    const upTo = to === undefined ? { walls: wallsOf(model), finders: findersOf(model) } : { to };
    printSummary(await migrateUp({ ...options, ...upTo }), json);
  };
  await withProjectDatabase(project, progress, work, openProjectDatabase);
}

export async function migrateProjectDown(
  folder: string,
  { steps, json }: { readonly steps: number; readonly json?: boolean },
): Promise<void> {
  await withDatabase(folder, async (project, database) => {
    printSummary(await migrateDown({ ...runnerOptions(project, database), steps }), json);
  });
}

export async function printMigrationStatus(folder: string, json: boolean): Promise<void> {
  await withDatabase(folder, async (project, database) => {
    const rows = await migrationStatus(runnerOptions(project, database));
    // What was applied is no longer what is here: for scripts that deploy.
    const isAstray = rows.some(({ state }) => state !== "applied" && state !== "pending");
    if (isAstray) process.exitCode = 1;
    if (json) {
      printJson(rows);
      return;
    }
    for (const { scope, name, state, appliedAt, advice } of rows) {
      const colour = state === "applied" ? "green" : "yellow";
      print(`${styled(colour, state.padEnd(9))} ${scope.padEnd(6)} ${name}  ${appliedAt ?? ""}`);
      if (advice !== null) print(`          ${advice}`);
    }
  });
}

function runnerOptions(project: Project, database: ProjectDatabase) {
  return {
    ownerUrl: requireOwnerUrl(database),
    appRole: database.appRole,
    directory: project.migrations,
    system: SYSTEM_MIGRATIONS,
    onProgress: progress,
  };
}

function printSummary(summary: MigrationSummary, json: boolean | undefined): void {
  if (json === true) {
    printJson(summary);
    return;
  }
  const { direction, migrations } = summary;
  const verb = direction === "up" ? "applied" : "taken back";
  if (migrations.length === 0) print("Nothing to do.");
  for (const { name, durationMs } of migrations) print(`${verb} ${name} in ${durationMs} ms`);
}

async function withDatabase(
  folder: string,
  work: (project: Project, database: ProjectDatabase) => Promise<void>,
): Promise<void> {
  const project = await loadProject(folder);
  await withProjectDatabase(project, progress, (database) => work(project, database));
}
