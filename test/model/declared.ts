// Small backends declared without types, so that a test can declare what the compiler would refuse.
import { type AnyRelations, defineRelations } from "drizzle-orm";
import {
  type AnyPgColumnBuilder,
  foreignKey,
  type PgTable,
  type PgTableExtraConfigValue,
  pgTable,
  primaryKey,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import { StartError } from "../../src/base/errors.ts";
import { id, tracked } from "../../src/model/columns.ts";
import { compileModel } from "../../src/model/compile.ts";
import type { ClaimSource } from "../../src/model/declare-claims.ts";
import type { AnyVersions } from "../../src/model/declare-contract.ts";
import type { AnyDomain } from "../../src/model/declare-untyped.ts";

export const organizations = pgTable("organizations", {
  id: id().primaryKey(),
  name: text().notNull(),
  ...tracked(),
});

export const organizationId = () =>
  uuid("organization_id")
    .notNull()
    .references(() => organizations.id);

/** The columns of a table, untyped: `never` fits wherever Drizzle wants one. */
type Cells<C> = { readonly [K in keyof C | "organizationId" | "id"]: never };

/** A tenant table as it should be, with more columns and constraints. */
export function tenantTable<C extends Record<string, AnyPgColumnBuilder>>(
  name: string,
  columns: C,
  more: (t: Cells<C>) => readonly unknown[] = () => [],
) {
  return pgTable(name, { organizationId: organizationId(), id: id(), ...columns }, (t) => [
    primaryKey({ columns: [t.organizationId, t.id] }),
    ...(more(t as unknown as Cells<C>) as PgTableExtraConfigValue[]),
  ]);
}

export const users = tenantTable("users", { name: text().notNull() });

/** A foreign key of one field and the tenant, as it should be. */
export function references(
  table: { readonly organizationId: unknown },
  column: unknown,
  target: PgTable = users,
) {
  const to = target as unknown as typeof users;
  const columns = [table.organizationId, column] as unknown as [typeof users.id];
  const foreignColumns = [to.organizationId, to.id] as unknown as [typeof users.id];
  return foreignKey({ columns, foreignColumns });
}

type Options = Readonly<Record<string, unknown>>;

export interface Declared {
  readonly schema: Readonly<Record<string, PgTable>>;
  /** What `defineRelations` is given; none without. */
  // biome-ignore lint/suspicious/noExplicitAny: Drizzle's callback is typed by the schema.
  readonly relations?: (r: any) => Record<string, any>;
  /** By table; the key that is not the table's own is written `key: [name, options]`. */
  readonly resources: Readonly<Record<string, Options | readonly [name: string, Options]>>;
  readonly roles?: readonly string[];
  readonly claims?: Readonly<Record<string, ClaimSource>>;
  readonly tenant?: PgTable;
  readonly versions?: object;
}

/** Everything that the start says about it; empty when it starts. */
export function refusalOf(declared: Declared): string[] {
  const schema = { organizations, ...declared.schema };
  const relations = (declared.relations === undefined
    ? defineRelations(schema)
    : defineRelations(schema, declared.relations)) as unknown as AnyRelations;
  const domain: AnyDomain = {
    relations,
    tenant: declared.tenant ?? organizations,
    roles: declared.roles ?? ["boss", "clerk"],
    claims: declared.claims ?? {},
  };
  const resources = Object.fromEntries(
    Object.entries(declared.resources).map(([key, given]) => {
      const [name, options] = Array.isArray(given) ? given : [key, given];
      return [key, { kind: "resource" as const, name, options, domain }];
    }),
  );
  try {
    const versions = declared.versions as AnyVersions | undefined;
    const more = versions === undefined ? {} : { versions };
    compileModel({ kind: "backend", name: "test", resources, ...more, domain });
    return [];
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return error.message.split("\n");
  }
}
