// Get: one record by its id.
import { fieldOf, type Model } from "../model/model.ts";
import { columnName, tableName } from "./names.ts";
import { type RecordShape, ROOT, visibleConditions } from "./read.ts";
import { recordSelect } from "./record.ts";
import { Parameters, type RecordStatement } from "./statement.ts";

/** Input 0 is the id. The row is for `recordReader`; no row when it is absent or invisible. */
export function getStatement(shape: RecordShape, model: Model): RecordStatement {
  const parameters = new Parameters();
  const { resource } = shape;
  const { columns, binary, joins } = recordSelect(shape, model, parameters);
  const id = columnName(fieldOf(resource.table, "id"), ROOT);
  const conditions = [
    ...visibleConditions(resource, shape.rows, model, parameters),
    `${id} = ${parameters.input(0, "uuid")}`,
  ];
  return parameters.recordStatement(
    `select ${columns.join(", ")} from ${tableName(resource.table)} ${ROOT}${joins} ` +
      `where ${conditions.join(" and ")}`,
    binary,
  );
}
