// The rows at the other end of a relation, as what stands in FROM and WHERE of a sub-select.
import { type AnyRelationModel, fieldOf, type Model, type TableModel } from "../model/model.ts";
import { columnName, livingCondition, tableName } from "./names.ts";
import type { Parameters } from "./statement.ts";

export interface RelatedRows {
  readonly from: string;
  readonly where: string;
  /** The target's alias. */
  readonly alias: string;
  /** The join table's alias, where there is one. */
  readonly by: string | undefined;
  /** The column that finds them in order of their ids, where an index has it. */
  readonly id: string;
}

export interface Source {
  readonly table: TableModel;
  readonly alias: string;
}

/** Living rows of the same tenant. */
export function relatedRows(
  source: Source,
  relation: AnyRelationModel,
  { model, parameters }: { readonly model: Pick<Model, "tables">; readonly parameters: Parameters },
): RelatedRows {
  const target = tableOf(model, relation.target);
  const alias = parameters.alias();
  const from = `${tableName(target)} ${alias}`;
  const id = columnName(fieldOf(target, "id"), alias);
  const living = livingCondition(target, alias, parameters);
  if (relation.kind === "one" || relation.through === undefined) {
    const [here, there] = relation.kind === "one" ? [relation.key, "id"] : ["id", relation.key];
    const own = columnName(fieldOf(source.table, here), source.alias);
    const other = columnName(fieldOf(target, there), alias);
    return { from, where: both(living, `${other} = ${own}`), alias, by: undefined, id };
  }
  const join = tableOf(model, relation.through.table);
  const by = parameters.alias();
  const own = columnName(fieldOf(source.table, "id"), source.alias);
  const leads = columnName(fieldOf(join, relation.through.targetKey), by);
  const belongs = `${columnName(fieldOf(join, relation.key), by)} = ${own}`;
  return {
    from: `${tableName(join)} ${by} join ${from} on ${both(living, `${id} = ${leads}`)}`,
    where: both(livingCondition(join, by, parameters), belongs),
    alias,
    by,
    id: leads,
  };
}

const both = (first: string | undefined, second: string): string =>
  first === undefined ? second : `${first} and ${second}`;

export function tableOf({ tables }: Pick<Model, "tables">, key: string): TableModel {
  const table = tables.get(key);
  if (table === undefined) throw new Error(`no table ${key}`);
  return table;
}
