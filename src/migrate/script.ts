// How the text of an up.sql or down.sql looks, and what its first line may ask of the runner.

import { createHash } from "node:crypto";

/** As first line: runs outside a transaction. Such a file holds exactly one statement. */
export const NO_TRANSACTION = "-- backwright: no-transaction";

/** In a file outside a transaction, which holds no second statement: created before it. */
const NEEDS = "-- backwright: needs extension";
const NEEDED = new RegExp(`^${NEEDS} (\\w+)$`, "gm");
const CREATED = /^create extension (?:if not exists )?"?(\w+)/gim;

const DESTROYS_DATA = "-- destroys data";
const NAME = '"(?:[^"]|"")+"';
const DESTRUCTIVE = new RegExp(`^(DROP TABLE |ALTER TABLE (${NAME}\\.)?${NAME} DROP COLUMN )`);
const CONCURRENT_INDEX = /^CREATE (UNIQUE )?INDEX CONCURRENTLY /;
const COLUMN_CHANGE = new RegExp(
  `^ALTER TABLE ((?:${NAME}\\.)?${NAME}) (ADD|DROP) COLUMN (${NAME})`,
);
const DRAFT_GUARD = `do $$ begin
  raise exception 'This migration is a draft: complete it, then remove this statement.';
end $$;`;

/** A script as the runner executes it. */
export interface MigrationScript {
  /** What messages call it: a path, or the name of a built-in migration. */
  readonly source: string;
  readonly sql: string;
  /** SHA-256 of `sql` in hexadecimal. */
  readonly checksum: string;
  readonly transaction: boolean;
  /** What the runner creates before the script. */
  readonly extensions: readonly string[];
}

/**
 * Reads a script's text. Byte order mark and CRLF line ends are taken out first, so that a
 * checkout on another system keeps the checksum.
 */
export function readScript(source: string, text: string): MigrationScript {
  const sql = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  const [firstLine = ""] = sql.split("\n", 1);
  const transaction = firstLine.trim() !== NO_TRANSACTION;
  return {
    source,
    sql,
    checksum: createHash("sha256").update(sql).digest("hex"),
    transaction,
    extensions: transaction ? [] : [...sql.matchAll(NEEDED)].map(([, name = ""]) => name),
  };
}

/** The extensions that a script names to be created, by itself or before it. */
export function extensionsNamed({ sql }: MigrationScript): readonly string[] {
  return [CREATED, NEEDED].flatMap((named) =>
    [...sql.matchAll(named)].map(([, name = ""]) => name),
  );
}

export function createExtension(name: string): string {
  return `create extension if not exists ${name}`;
}

/** Whether the file runs outside a transaction: what else it holds only creates extensions. */
export function isOutside(statements: readonly string[]): boolean {
  const others = statements.filter((statement) => statement.match(CREATED) === null);
  return others.length === 1 && others.every(isConcurrentIndex);
}

export function isConcurrentIndex(statement: string): boolean {
  return CONCURRENT_INDEX.test(statement);
}

/** Text of a file with these statements, each ending in ";" and apart by a blank line. */
export function formatScript(statements: readonly string[]): string {
  if (statements.length === 0) return "";
  const blocks = statements.map((statement) => {
    const ended = statement.endsWith(";") ? statement : `${statement};`;
    return DESTRUCTIVE.test(ended) ? `${DESTROYS_DATA}\n${ended}` : ended;
  });
  if (!isOutside(statements)) return `${blocks.join("\n\n")}\n`;
  const needs = blocks
    .slice(0, -1)
    .map((block) => `${NEEDS} ${[...block.matchAll(CREATED)][0]?.[1]}`);
  return `${[NO_TRANSACTION, ...needs, blocks.at(-1)].join("\n")}\n`;
}

/** A script that fails until a person has completed it; `statements` stand in it as comments. */
export function formatDraft(statements: readonly string[]): string {
  const comments = formatScript(statements)
    .trim()
    .split("\n")
    .map((line) => `-- ${line}`.trimEnd());
  const intro = "-- What dropping and creating would do; a rename keeps the rows instead:";
  const renames = likelyRenames(statements).map((statement) => `-- ${statement}`);
  const offer = renames.length === 0 ? [] : ["", "-- If it is a rename, this is all of it:"];
  return `${[DRAFT_GUARD, "", intro, ...comments, ...offer, ...renames].join("\n")}\n`;
}

/** Of tables that lose one column and get one. */
function likelyRenames(statements: readonly string[]): readonly string[] {
  const tables = new Map<string, { added: string[]; dropped: string[] }>();
  for (const statement of statements) {
    const [, table = "", verb, column = ""] = COLUMN_CHANGE.exec(statement) ?? [];
    if (verb === undefined) continue;
    const own = tables.get(table) ?? { added: [], dropped: [] };
    tables.set(table, own);
    (verb === "ADD" ? own.added : own.dropped).push(column);
  }
  return [...tables].flatMap(([table, { added, dropped }]) =>
    added.length === 1 && dropped.length === 1
      ? [`ALTER TABLE ${table} RENAME COLUMN ${dropped[0]} TO ${added[0]};`]
      : [],
  );
}
