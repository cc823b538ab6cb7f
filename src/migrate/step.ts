// One script to run against the database, and what to say when it fails: which file and line, what
// PostgreSQL said (never values of rows), where the database stands, what to do.

import { StartError } from "../base/errors.ts";
import { type PostgresFailure, postgresFailure } from "../database/session.ts";
import { COMMIT_GUARD, type KnownMigration } from "./history.ts";
import { extensionsNamed, type MigrationScript } from "./script.ts";

export interface MigrationStep {
  readonly direction: "up" | "down";
  readonly migration: KnownMigration;
  readonly script: MigrationScript;
  /** Where the database stands before this step, for the message when it fails. */
  readonly standing: string;
}

/** The script ended the runner's transaction by ROLLBACK, which no constraint can refuse. */
export class EndedTransaction extends Error {}

const COMMIT_ADVICE =
  "Take BEGIN, COMMIT, ROLLBACK and SET CONSTRAINTS ALL out of it: the runner gives each file " +
  "its own transaction.";

/**
 * Why a step failed and where the database stands now. `inScript` tells whether PostgreSQL's
 * position counts in the script's text.
 */
export function stepFailure(step: MigrationStep, error: unknown, inScript: boolean): StartError {
  const place = `${step.migration.name} failed at ${step.script.source}`;
  if (error instanceof EndedTransaction) {
    return new StartError(
      `${place}: the file ends its own transaction. It is not recorded, and what stands after ` +
        "its ROLLBACK may have been applied.",
      { fix: `Look at the database and undo that. ${COMMIT_ADVICE}` },
    );
  }
  const failure = postgresFailure(error);
  if (failure === null) {
    return new StartError(
      `${place}: the connection was lost (${messageOf(error)}). An open transaction ` +
        "is rolled back.",
      { fix: "Run `npx backwright migrate status`, then repeat the command.", cause: error },
    );
  }
  const rolledBack = `The file was rolled back; ${step.standing}.`;
  if (failure.kind === "foreign key" && failure.constraint === COMMIT_GUARD) {
    return new StartError(`${place}: the file ends its own transaction. ${rolledBack}`, {
      fix: COMMIT_ADVICE,
      cause: error,
    });
  }
  const what = inScript
    ? describeFailure(step, failure)
    : `, after its last statement: ${failure.message} (${failure.code}).`;
  return new StartError(`${place}${what} ${rolledBack}`, {
    fix: failureAdvice(failure, step.script),
    cause: error,
  });
}

/** Why a step outside a transaction failed; `advice` says how to settle what it left. */
export function outsideFailure(step: MigrationStep, error: unknown, advice: string): StartError {
  const failure = postgresFailure(error);
  const what = failure === null ? `: ${messageOf(error)}.` : describeFailure(step, failure);
  return new StartError(
    `${step.migration.name} failed outside a transaction at ${step.script.source}${what} ` +
      `It may have left something behind; ${step.standing}.`,
    { fix: advice, cause: error },
  );
}

function describeFailure(step: MigrationStep, failure: PostgresFailure): string {
  const line =
    failure.position === null ? "" : `, line ${lineOf(step.script.sql, failure.position)}`;
  const where = failure.where === null ? "" : `\n  in ${failure.where.split("\n")[0]}`;
  return `${line}: ${failure.message} (${failure.code}).${where}`;
}

/** The line, from 1, of a position that counts characters (not UTF-16 units) from 1. */
function lineOf(sql: string, position: number): number {
  const before = Array.from(sql).slice(0, position - 1);
  return before.filter((character) => character === "\n").length + 1;
}

function failureAdvice(failure: PostgresFailure, script: MigrationScript): string {
  const hint = failure.hint === null ? "" : ` PostgreSQL says: ${failure.hint}`;
  if (/extension "/.test(failure.message)) {
    const extensions = extensionsNamed(script).map((name) => `  create extension ${name};`);
    return (
      "Run as an administrator in this database, where the server has them (PostgreSQL's contrib " +
      `package), and repeat the command:\n${extensions.join("\n")}${hint}`
    );
  }
  if (failure.kind === "privilege") {
    return `The owner role lacks a privilege; it should own the database and its schemas.${hint}`;
  }
  return `Correct the file and run the command again.${hint}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
