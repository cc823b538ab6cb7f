// Which tenant walls a migration takes down and raises, from two snapshots and the given renames.

import { raiseTenantWall, removeTenantWall, type WalledTable } from "../sql/row-security.ts";
import { type MigrationHint, renamedPath } from "./hints.ts";
import { hasTable, type Snapshot, wallKey } from "./snapshot.ts";

export interface WallChanges {
  /** Run before the tables change: a column that a policy reads cannot be dropped. */
  readonly removed: readonly string[];
  /** Run after the tables have changed. */
  readonly raised: readonly string[];
}

/**
 * The statements by which the walls of `before` become those of `after`. A dropped table takes its
 * wall along; a renamed one keeps it.
 */
export function diffWalls(
  before: Snapshot,
  after: Snapshot,
  hints: readonly MigrationHint[],
): WallChanges {
  const old = before.walls.map((wall) => ({ wall, moved: renamedWall(wall, hints) }));
  const stays = (moved: WalledTable, next: WalledTable) =>
    wallKey(moved) === wallKey(next) && moved.column === next.column;
  const removed = old.filter(
    ({ moved }) => hasTable(after, moved) && !after.walls.some((next) => stays(moved, next)),
  );
  const raised = after.walls.filter((next) => !old.some(({ moved }) => stays(moved, next)));
  return {
    removed: removed.flatMap(({ wall }) => removeTenantWall(unqualified(wall))),
    raised: raised.flatMap((wall) => raiseTenantWall(unqualified(wall))),
  };
}

/** The wall under the names that the hints give its table and column; policies follow renames. */
function renamedWall(wall: WalledTable, hints: readonly MigrationHint[]): WalledTable {
  const path = [wall.schema ?? "public", wall.table];
  const [schema = "public", table = wall.table] = renamedPath("table", path, hints);
  const [, , column = wall.column] = renamedPath("column", [schema, table, wall.column], hints);
  return { schema, table, column };
}

/** As drizzle-kit writes them: tables of `public` without their schema. */
function unqualified(wall: WalledTable): WalledTable {
  return wall.schema === "public" ? { ...wall, schema: null } : wall;
}
