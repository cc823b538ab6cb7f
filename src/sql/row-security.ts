// The wall between tenants as SQL text: row-level security on every tenant table, and nothing else.
// Row policies of roles are part of each statement and never appear here.

import { quoteIdentifier, quoteQualified } from "./quote.ts";

/** The transaction-local setting that names the tenant; unset or empty means: no rows. */
export const TENANT_SETTING = "backwright.tenant_id";
export const TENANT_WALL_POLICY = "tenant_wall";
/** Lets the owner (migrations only) see every tenant although row security is forced on it. */
export const OWNER_POLICY = "owner_all";

/** A walled table by its SQL names; `schema` null means `public`. */
export interface WalledTable {
  readonly schema: string | null;
  readonly table: string;
  /** The column that holds the tenant's uuid; `id` on the tenant table itself. */
  readonly column: string;
}

/**
 * The transaction's tenant, or null. The cast stands outside the sub-select, so that PostgreSQL
 * computes the setting once per statement and an index of the column that is compared still serves.
 */
export function tenantSetting(): string {
  return `(select nullif(current_setting('${TENANT_SETTING}', true), ''))::uuid`;
}

/** True for rows of the transaction's tenant. */
export function tenantWallExpression(column: string): string {
  return `${quoteIdentifier(column)} = ${tenantSetting()}`;
}

/** Statements that wall a table off by tenant, for its owner too (until `OWNER_POLICY` exists). */
export function raiseTenantWall(wall: WalledTable): readonly string[] {
  const table = quoteQualified(wall.schema, wall.table);
  const rows = tenantWallExpression(wall.column);
  return [
    `alter table ${table} enable row level security;`,
    `alter table ${table} force row level security;`,
    `create policy ${TENANT_WALL_POLICY} on ${table}\n  using (${rows})\n  with check (${rows});`,
  ];
}

/** Statements that take the wall down while the table stays. */
export function removeTenantWall(wall: WalledTable): readonly string[] {
  const table = quoteQualified(wall.schema, wall.table);
  return [
    `drop policy ${TENANT_WALL_POLICY} on ${table};`,
    `alter table ${table} no force row level security;`,
    `alter table ${table} disable row level security;`,
  ];
}

/** The policy by which migrations of the owner reach the rows of all tenants. */
export function createOwnerPolicy(schema: string, table: string, ownerRole: string): string {
  return (
    `create policy ${OWNER_POLICY} on ${quoteQualified(schema, table)} ` +
    `to ${quoteIdentifier(ownerRole)} using (true) with check (true);`
  );
}

export function dropOwnerPolicy(schema: string, table: string): string {
  return `drop policy ${OWNER_POLICY} on ${quoteQualified(schema, table)};`;
}
