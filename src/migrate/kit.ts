// The only place that talks to drizzle-kit, an optional peer that is loaded when a plan is made and
// never when a migration runs. Keeps its habits (ending the process, printing) from the caller.

import { AsyncLocalStorage } from "node:async_hooks";
import { stripVTControlCharacters } from "node:util";
import { StartError } from "../base/errors.ts";
import type { MigrationHint } from "./hints.ts";
import { KIT_SNAPSHOT_VERSION, type KitEntity, type KitSnapshot } from "./snapshot.ts";

interface MissingHint {
  readonly type: string;
  readonly kind: string;
  readonly entity: readonly string[];
}

interface Kit {
  generateDrizzleJson(imports: Record<string, unknown>): Promise<{ ddl: unknown; version: string }>;
  generateMigration(
    previous: KitSnapshot,
    next: KitSnapshot,
    options: { hints: MigrationHint[] },
  ): Promise<string[]>;
}

const KIT_INSTALL = "npm install --save-dev drizzle-kit@1.0.0-rc.5";
/** Dropped and made again without losing a row, so nobody has to be asked about a rename. */
const DATALESS_KINDS = new Set([
  "index",
  "unique",
  "check",
  "primary_key",
  "foreign key",
  "policy",
]);

/** drizzle-kit's entities for these tables. Throws a StartError with what kit finds wrong. */
export async function describeTables(imports: Record<string, unknown>): Promise<KitEntity[]> {
  const kit = await loadKit();
  const { ddl, version } = await contained(() => kit.generateDrizzleJson(imports));
  if (version !== KIT_SNAPSHOT_VERSION || !Array.isArray(ddl)) {
    throw new StartError("This version of drizzle-kit writes another snapshot format.", {
      fix: KIT_INSTALL,
    });
  }
  return ddl as KitEntity[];
}

export interface DiffOptions {
  readonly hints: readonly MigrationHint[];
  /** Whether a question about tables and columns may be answered "dropped and created". */
  readonly recreate: "dataless" | "everything";
}

/**
 * SQL statements from one snapshot to the other. Throws a StartError listing the renames that only
 * a person can tell from a drop and a create.
 */
export async function diffSnapshots(
  previous: KitSnapshot,
  next: KitSnapshot,
  options: DiffOptions,
): Promise<readonly string[]> {
  const kit = await loadKit();
  const hints = [...options.hints];
  for (;;) {
    try {
      return await kit.generateMigration(previous, next, { hints });
    } catch (error) {
      const missing = missingHints(error);
      if (missing.length === 0) throw error;
      const answered = missing.every(
        ({ type, kind }) =>
          type === "rename_or_create" &&
          (options.recreate === "everything" || DATALESS_KINDS.has(kind)),
      );
      if (!answered) throw ambiguous(missing, error);
      hints.push(...missing.map(({ kind, entity }) => ({ type: "create", kind, entity }) as const));
    }
  }
}

async function loadKit(): Promise<Kit> {
  try {
    return (await import("drizzle-kit/api-postgres")) as unknown as Kit;
  } catch (cause) {
    throw new StartError("Planning a migration needs drizzle-kit, which cannot be loaded here.", {
      fix: KIT_INSTALL,
      cause,
    });
  }
}

function missingHints(error: unknown): readonly MissingHint[] {
  if (!(error instanceof Error) || !("missingHints" in error)) return [];
  return Array.isArray(error.missingHints) ? (error.missingHints as MissingHint[]) : [];
}

function ambiguous(missing: readonly MissingHint[], cause: unknown): StartError {
  const questions = missing
    .filter(({ kind }) => !DATALESS_KINDS.has(kind))
    .map(({ kind, entity }) => `  - ${kind} ${entity.join(".")}: new, or renamed from another?`);
  return new StartError(
    `The model changed in a way that only you can tell from a rename:\n${questions.join("\n")}`,
    {
      fix:
        "Write this migration by hand: `npx backwright migrate new <name> --by-hand` makes the " +
        "folder with the new snapshot and a draft; edit its up.sql and down.sql.",
      cause,
    },
  );
}

const printed = new AsyncLocalStorage<string[]>();
let containment: Promise<unknown> = Promise.resolve();

/**
 * RACE: kit calls process.exit(1) on a faulty schema after printing why. Both calls are caught for
 * the work below this frame only, one run at a time, so that the originals always come back.
 */
function contained<T>(work: () => Promise<T>): Promise<T> {
  const run = containment.then(() => printed.run([], () => withCaughtExit(work)));
  containment = run.catch(() => undefined);
  return run;
}

async function withCaughtExit<T>(work: () => Promise<T>): Promise<T> {
  const { exit } = process;
  const { log } = console;
  process.exit = (code): never => {
    const lines = printed.getStore();
    if (lines === undefined) return exit(code);
    const reason = stripVTControlCharacters(lines.join("\n"))
      .replaceAll(/^\s*(Warning|Error)\s+/gm, "")
      .trim();
    throw new StartError(`drizzle-kit does not accept the tables: ${reason}`, {
      fix: "Correct the table declarations named above.",
    });
  };
  console.log = (...values: unknown[]) => {
    const lines = printed.getStore();
    if (lines === undefined) log(...values);
    else lines.push(values.map(String).join(" "));
  };
  try {
    return await work();
  } finally {
    process.exit = exit;
    console.log = log;
  }
}
