// Create, update, delete and restore in a single statement: the row, its audit entry, its event and
// the stored reply of the idempotency key, all or nothing, in one round trip.
//
// RACE: every guard stands in the INSERT's or UPDATE's own WHERE. A check in a sibling CTE looks at
// a snapshot from before the wait for the row's lock, and let a cancelled order be assigned.
import {
  type FieldModel,
  fieldOf,
  fieldsRead,
  type Model,
  type Predicate,
  type ResourceModel,
  type TableModel,
} from "../model/model.ts";
import {
  columnName,
  jsonObject,
  livingCondition,
  ownMember,
  sqlType,
  tableName,
  tenantCondition,
} from "./names.ts";
import { operandSql, predicateSql } from "./predicate.ts";
import { ROOT, versionSql, visibleConditions } from "./read.ts";
import { Parameters, type Statement } from "./statement.ts";
import { writeStatement } from "./write-effects.ts";
import type {
  Assignment,
  CreateShape,
  DeleteShape,
  ReferenceGuard,
  UpdateShape,
  WriteShape,
} from "./write-shape.ts";

/** Creates a record. The row's columns are WRITE_RESULT; `id` is null when a guard refused. */
export function createStatement(shape: CreateShape, model: Model): Statement {
  const parameters = new Parameters();
  const { resource } = shape;
  const { table } = resource;
  const columns: string[] = [];
  const values: string[] = [];
  const id = fieldOf(table, "id");
  if (!shape.set.has(id)) {
    columns.push(columnName(id));
    values.push(parameters.input(shape.id, "uuid"));
  }
  if (table.tenantField !== undefined && table.tenantField.name !== "id") {
    columns.push(columnName(table.tenantField));
    values.push(parameters.claim("tenantId", "uuid"));
  }
  for (const { field, input } of shape.assignments) {
    columns.push(columnName(field));
    values.push(parameters.input(input, sqlType(field)));
  }
  for (const [field, operand] of shape.set) {
    columns.push(columnName(field));
    values.push(operandSql(operand, sqlType(field), parameters));
  }
  const gates = [...gateConditions(shape), ...referenceConditions(shape, model, parameters)];
  const from = shape.inputs.idempotency === undefined ? "" : " from gate";
  const where = gates.length === 0 ? "" : ` where ${gates.join(" and ")}`;
  const write =
    `insert into ${tableName(table)} as ${ROOT} (${columns.join(", ")}) ` +
    `select ${values.join(", ")}${from}${where} returning ${ROOT}.*`;
  const after = predicateSql(shape.after, table, ROOT, { model, parameters });
  return writeStatement(shape, model, parameters, { write, after, verb: "created" });
}

/**
 * Creates many records: as above, but each input but the request's is an array with a value for
 * each of them. A record whose references are refused is left out of the rows that come back.
 */
export function createManyStatement(shape: CreateShape, model: Model): Statement {
  const parameters = new Parameters();
  const { table } = shape.resource;
  const columns = [columnName(fieldOf(table, "id"))];
  const values = ["g.id"];
  const arrays = [parameters.input(shape.id, "uuid[]")];
  const names = ["id"];
  if (table.tenantField !== undefined && table.tenantField.name !== "id") {
    columns.push(columnName(table.tenantField));
    values.push(parameters.claim("tenantId", "uuid"));
  }
  const places = new Map<number, string>();
  shape.assignments.forEach(({ field, input }, at) => {
    const type = sqlType(field);
    // unnest() would take lists of lists apart, so a list travels as its text.
    const isList = type.endsWith("[]");
    arrays.push(parameters.input(input, isList ? "text[]" : `${type}[]`));
    names.push(`c${at}`);
    columns.push(columnName(field));
    values.push(isList ? `g.c${at}::${type}` : `g.c${at}`);
    places.set(input, `g.c${at}`);
  });
  for (const [field, operand] of shape.set) {
    columns.push(columnName(field));
    values.push(operandSql(operand, sqlType(field), parameters));
  }
  const placeOf = ({ input }: { input: number }): string => places.get(input) ?? "null";
  const guards = referenceConditions(shape, model, parameters, placeOf).map(
    (condition, at) =>
      `(${placeOf(shape.references[at] ?? { input: -1 })} is null or ${condition})`,
  );
  const where = guards.length === 0 ? "" : ` where ${guards.join(" and ")}`;
  const write =
    `insert into ${tableName(table)} as ${ROOT} (${columns.join(", ")}) ` +
    `select ${values.join(", ")} from unnest(${arrays.join(", ")}) as g(${names.join(", ")})` +
    `${where} returning ${ROOT}.*`;
  const after = predicateSql(shape.after, table, ROOT, { model, parameters });
  return writeStatement(shape, model, parameters, { write, after, verb: "created", isMany: true });
}

/** Updates a record where every guard holds; otherwise `id` is null and nothing has changed. */
export function updateStatement(shape: UpdateShape, model: Model): Statement {
  const parameters = new Parameters();
  const { resource } = shape;
  const { table } = resource;
  const assignments = shape.assignments.map(
    ({ field, input }) => `${columnName(field)} = ${parameters.input(input, sqlType(field))}`,
  );
  assignments.push(...bookkeeping(table));
  const conditions = [
    ...targetConditions(shape, model, parameters, livingCondition),
    ...stateConditions(shape, parameters),
    ...gateConditions(shape),
    ...referenceConditions(shape, model, parameters),
  ].filter((condition) => condition !== undefined);
  const changed = shape.assignments.map(({ field }) => ownMember(field, "old"));
  const from = shape.inputs.idempotency === undefined ? "" : " from gate";
  const write =
    `update ${tableName(table)} ${ROOT} set ${assignments.join(", ")}${from} ` +
    `where ${conditions.join(" and ")} ` +
    `returning ${ROOT}.*, ${jsonObject(changed)} as backwright_before`;
  const written = new Set(shape.assignments.map(({ field }) => field));
  const touched = [...fieldsRead(shape.after, table)].some((field) => written.has(field));
  const mustCheck = touched || shape.after !== shape.rows;
  const after = mustCheck
    ? predicateSql(shape.after, table, ROOT, { model, parameters })
    : undefined;
  return writeStatement(shape, model, parameters, { write, after, verb: "updated" });
}

/** Deletes a record, or marks it: whatever the table is made for. `reply` is null. */
export function deleteStatement(shape: DeleteShape, model: Model): Statement {
  const parameters = new Parameters();
  const { table } = shape.resource;
  const { deletedField } = table;
  const state = shape.restore ? deletedCondition : livingCondition;
  const where = [
    ...targetConditions(shape, model, parameters, state),
    ...gateConditions(shape),
  ].join(" and ");
  const from = shape.inputs.idempotency === undefined ? "" : " from gate";
  if (deletedField === undefined) {
    const using = from.replace("from", "using");
    const write =
      `delete from ${tableName(table)} ${ROOT}${using} where ${where} ` + `returning ${ROOT}.*`;
    return writeStatement(shape, model, parameters, { write, after: undefined, verb: "deleted" });
  }
  const mark = `${columnName(deletedField)} = ${shape.restore ? "null" : "now()"}`;
  const write =
    `update ${tableName(table)} ${ROOT} set ${[mark, ...bookkeeping(table)].join(", ")}${from} ` +
    `where ${where} returning ${ROOT}.*`;
  const verb = shape.restore ? "restored" : "deleted";
  return writeStatement(shape, model, parameters, { write, after: undefined, verb });
}

/** The conditions of an update or delete, each as a column, to learn which one failed. */
export function updateDiagnosis(shape: UpdateShape | DeleteShape, model: Model): Statement {
  const parameters = new Parameters();
  const { resource } = shape;
  const { table } = resource;
  const context = { model, parameters };
  const columns = [
    predicateSql(shape.readRows, table, ROOT, context) ?? "true",
    predicateSql(shape.rows, table, ROOT, context) ?? "true",
    versionSql(resource, ROOT),
    ...("states" in shape ? shape.states.map(({ field }) => columnName(field, ROOT)) : []),
    ...referenceConditions(shape, model, parameters),
  ];
  const restores = "restore" in shape && shape.restore;
  const where = [
    (restores ? deletedCondition : livingCondition)(table, ROOT, parameters),
    `${columnName(fieldOf(table, "id"), ROOT)} = ${parameters.input(shape.id, "uuid")}`,
    ...keyConditions(shape.keys, parameters),
  ].filter((condition) => condition !== undefined);
  return parameters.statement(
    `select ${columns.map((column) => `(${column})::text`).join(", ")} ` +
      `from ${tableName(table)} ${ROOT} where ${where.join(" and ")}`,
  );
}

/** Whether each reference of a create is readable, as columns. */
export function createDiagnosis(shape: CreateShape, model: Model): Statement {
  const parameters = new Parameters();
  const columns = referenceConditions(shape, model, parameters);
  return parameters.statement(`select ${columns.map((column) => `(${column})::text`).join(", ")}`);
}

/** The one row that is meant, as far as the role may see it and do this to it. */
function targetConditions(
  shape: UpdateShape | DeleteShape,
  model: Model,
  parameters: Parameters,
  state: typeof livingCondition,
): string[] {
  const { table } = shape.resource;
  return [
    state(table, ROOT, parameters),
    `${columnName(fieldOf(table, "id"), ROOT)} = ${parameters.input(shape.id, "uuid")}`,
    ...keyConditions(shape.keys, parameters),
    predicateSql(shape.readRows, table, ROOT, { model, parameters }),
    predicateSql(shape.rows, table, ROOT, { model, parameters }),
    ...versionConditions(shape, parameters),
  ].filter((condition) => condition !== undefined);
}

/** Input 0 and on are the values of `fields`; the row is [id] of the record that has them. */
export function findStatement(
  resource: ResourceModel,
  fields: readonly FieldModel[],
  rows: Predicate,
  model: Model,
): Statement {
  const parameters = new Parameters();
  const keys = fields.map((field, input) => ({ field, input }));
  const where = [
    ...visibleConditions(resource, rows, model, parameters),
    ...keyConditions(keys, parameters),
  ];
  return parameters.statement(
    `select ${columnName(fieldOf(resource.table, "id"), ROOT)}::text ` +
      `from ${tableName(resource.table)} ${ROOT} where ${where.join(" and ")}`,
  );
}

function keyConditions(keys: readonly Assignment[], parameters: Parameters): string[] {
  return keys.map(
    ({ field, input }) => `${columnName(field, ROOT)} = ${parameters.input(input, sqlType(field))}`,
  );
}

/** The tenant's rows that are marked as deleted. */
function deletedCondition(table: TableModel, alias: string, parameters: Parameters): string {
  const marked = `${columnName(table.deletedField ?? fieldOf(table, "id"), alias)} is not null`;
  const tenant = tenantCondition(table, alias, parameters);
  return tenant === undefined ? marked : `${tenant} and ${marked}`;
}

/** What every change of a row sets besides. */
function bookkeeping(table: TableModel): string[] {
  const assignments: string[] = [];
  const { versionField, updatedField } = table;
  if (versionField !== undefined) {
    const version = columnName(versionField);
    assignments.push(`${version} = ${ROOT}.${version} + 1`);
  }
  if (updatedField !== undefined) assignments.push(`${columnName(updatedField)} = now()`);
  return assignments;
}

function gateConditions(shape: WriteShape): string[] {
  if (shape.inputs.idempotency === undefined) return [];
  return ["gate.open", "not exists (select from prior)"];
}

function versionConditions(shape: UpdateShape | DeleteShape, parameters: Parameters): string[] {
  if (shape.version === undefined) return [];
  const { versionField, key } = shape.resource.table;
  if (versionField === undefined) throw new Error(`${key} keeps no versions`);
  const version = columnName(versionField, ROOT);
  return [`${version} = ${parameters.input(shape.version, "integer")}`];
}

function stateConditions(shape: UpdateShape, parameters: Parameters): string[] {
  return shape.states.map(
    ({ field, from }) =>
      `${columnName(field, ROOT)} = any(${parameters.input(from, `${sqlType(field)}[]`)})`,
  );
}

function referenceConditions(
  shape: Pick<WriteShape, "references">,
  model: Model,
  parameters: Parameters,
  placed = ({ field, input }: ReferenceGuard) => parameters.input(input, sqlType(field)),
): string[] {
  return shape.references.map((guard, at) => {
    const { target, rows } = guard;
    const alias = `ref${at}`;
    const conditions = [
      livingCondition(target.table, alias, parameters),
      `${columnName(fieldOf(target.table, "id"), alias)} = ${placed(guard)}`,
      predicateSql(rows, target.table, alias, { model, parameters }),
    ].filter((condition) => condition !== undefined);
    const from = `${tableName(target.table)} ${alias}`;
    return `exists (select from ${from} where ${conditions.join(" and ")})`;
  });
}
