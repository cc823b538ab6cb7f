// Finds records by many values of a unique key at once: one scan of its index for each value.
import {
  type FieldModel,
  fieldOf,
  type Model,
  type Predicate,
  type ResourceModel,
} from "../model/model.ts";
import { columnName, sqlType, tableName } from "./names.ts";
import { ROOT, visibleConditions } from "./read.ts";
import { Parameters, type Statement } from "./statement.ts";

/**
 * Input n is the array of the values of field n. A row for each record that is found and visible:
 * the place of its key in the arrays, from 1, and its id.
 */
export function findManyStatement(
  resource: ResourceModel,
  fields: readonly FieldModel[],
  rows: Predicate,
  model: Model,
): Statement {
  const parameters = new Parameters();
  const arrays = fields.map((field, at) => parameters.input(at, `${sqlType(field)}[]`));
  const names = [...fields.map((_, at) => `k${at}`), "place"].join(", ");
  const where = [
    ...visibleConditions(resource, rows, model, parameters),
    ...fields.map((field, at) => `${columnName(field, ROOT)} = wanted.k${at}`),
  ];
  const id = columnName(fieldOf(resource.table, "id"), ROOT);
  return parameters.statement(
    `select wanted.place::text, ${id}::text ` +
      `from unnest(${arrays.join(", ")}) with ordinality as wanted(${names}) ` +
      `join ${tableName(resource.table)} ${ROOT} on ${where.join(" and ")}`,
  );
}
