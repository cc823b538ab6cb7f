// One record with everything that a role may read of it: what replies of writes show again.
import type { ReadGrant, ResourceModel } from "../model/model.ts";
import { getStatement } from "../sql/get.ts";
import { type RecordReader, recordReader } from "../sql/record-reader.ts";
import type { RecordStatement } from "../sql/statement.ts";
import type { OperationsContext } from "./context.ts";

export interface WholeRecord {
  /** Input 0 is the id. */
  readonly statement: RecordStatement;
  readonly reader: RecordReader;
}

export function wholeRecord(
  { model, shapes }: OperationsContext,
  resource: ResourceModel,
  role: string,
  { rows, fields }: ReadGrant,
): WholeRecord {
  return shapes.get(`whole|${resource.name}|${role}`, () => {
    const shape = { resource, rows, fields, includes: [] };
    return { statement: getStatement(shape, model), reader: recordReader(shape) };
  });
}
