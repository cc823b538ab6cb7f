// Reads the relations to many of a table, when all tables are known: each must be the other side of
// foreign keys, because policies, filters and includes join by nothing else.
import { is, Many, type Relation, type Table } from "drizzle-orm";
import type { ManyRelationModel, TableModel } from "./model.ts";
import type { Problems } from "./problems.ts";

export interface ManyContext {
  readonly problems: Problems;
  readonly tables: ReadonlyMap<string, TableModel>;
  /** Drizzle table → schema key. */
  readonly keys: ReadonlyMap<Table, string>;
}

/** Relations that do not lead from this table's id are left to the code of actions. */
export function compileManyRelations(
  table: TableModel,
  relations: Readonly<Record<string, Relation>>,
  context: ManyContext,
): ReadonlyMap<string, ManyRelationModel> {
  const found = new Map<string, ManyRelationModel>();
  for (const [name, relation] of Object.entries(relations)) {
    if (!is(relation, Many)) continue;
    const where = `relations.${table.key}.${name}`;
    if (Object.keys(relation.where ?? {}).length > 0) {
      context.problems.add(where, "has a where, which policies and includes would not apply");
      continue;
    }
    const compiled =
      relation.through === undefined
        ? compileDirect(name, table, relation, where, context)
        : compileThrough(name, table, relation, where, context);
    if (compiled !== undefined) found.set(name, compiled);
  }
  return found;
}

type Columns = Relation["sourceColumns"];

/** What stands opposite the id, where that is the one column beside the tenant's. */
function opposite(table: TableModel, columns: Columns, others: Columns): string | undefined {
  const pairs = columns
    .map((column, at) => ({ own: column._.key, other: others[at]?._.key ?? "" }))
    .filter(({ own }) => own !== table.tenantField?.name);
  const [pair] = pairs;
  return pairs.length === 1 && pair?.own === "id" ? pair.other : undefined;
}

function compileDirect(
  name: string,
  table: TableModel,
  relation: Relation,
  where: string,
  { problems, tables }: ManyContext,
): ManyRelationModel | undefined {
  const target = relation.targetTableName;
  const key = opposite(table, relation.sourceColumns, relation.targetColumns);
  if (key === undefined) return undefined;
  checkReference(tables.get(target), key, table.key, where, problems);
  return { kind: "many", name, key, target, through: undefined };
}

function compileThrough(
  name: string,
  table: TableModel,
  relation: Relation,
  where: string,
  { problems, tables, keys }: ManyContext,
): ManyRelationModel | undefined {
  const target = tables.get(relation.targetTableName);
  const join = tables.get(keys.get(relation.throughTable as Table) ?? "");
  const { source = [], target: targets = [] } = relation.through ?? {};
  const key = opposite(table, relation.sourceColumns, source);
  const targetKey = target && opposite(target, relation.targetColumns, targets);
  if (join === undefined || key === undefined || targetKey === undefined) return undefined;
  checkReference(join, key, table.key, where, problems);
  checkReference(join, targetKey, relation.targetTableName, where, problems);
  const through = { table: join.key, targetKey };
  return { kind: "many", name, key, target: relation.targetTableName, through };
}

function checkReference(
  table: TableModel | undefined,
  field: string,
  wanted: string,
  where: string,
  problems: Problems,
): void {
  const referenced = table?.references.get(field);
  if (referenced === wanted) return;
  problems.add(
    where,
    referenced === undefined
      ? `no foreign key of ${table?.key}.${field} leads to ${wanted}`
      : `the foreign key of ${field} leads to ${referenced}`,
  );
}
