// The statements of an action's transaction besides its changes: claim and answer of an
// Idempotency-Key, the lock on the record, events that the action emits.
//
// RACE: the claim and the look at what is stored are two statements, so that the second has a
// snapshot from after the lock and sees the reply of a twin that has just committed.
import { fieldOf, type Model, type Predicate, type ResourceModel } from "../model/model.ts";
import { columnName, tableName, tenantCondition } from "./names.ts";
import { ROOT, versionSql, visibleConditions } from "./read.ts";
import { Parameters, type Statement } from "./statement.ts";

/** Input 0 is the lock of the key. The row is ["true"], or ["false"] while another holds it. */
export function claimKeyStatement(): Statement {
  const parameters = new Parameters();
  const lock = parameters.input(0, "bigint");
  return parameters.statement(`select pg_try_advisory_xact_lock(${lock})::text`);
}

/** Inputs: scope, key. The row is [hash, mask, record id, reply, version, status], if any. */
export function storedReplyStatement(): Statement {
  const parameters = new Parameters();
  return parameters.statement(
    "select request_hash, mask, record_id::text, reply, version::text, status::text " +
      "from backwright.idempotency " +
      `where tenant_id = ${parameters.claim("tenantId", "uuid")} ` +
      `and scope = ${parameters.input(0, "text")} ` +
      `and key = ${parameters.input(1, "text")} and expires_at > now()`,
  );
}

/** Inputs: scope, key, hash, mask, record id, version, reply. No row: the key is taken. */
export function storeReplyStatement(): Statement {
  const parameters = new Parameters();
  const types = ["text", "text", "text", "text", "uuid", "integer", "text"];
  const [scope, key, ...rest] = types.map((type, at) => parameters.input(at, type));
  const tenant = parameters.claim("tenantId", "uuid");
  const columns = ["request_hash", "mask", "record_id", "version", "reply"];
  const renewed = columns.map((column) => `${column} = excluded.${column}`).join(", ");
  return parameters.statement(
    "insert into backwright.idempotency as i " +
      `(tenant_id, scope, key, ${columns.join(", ")}, status) ` +
      `values (${tenant}, ${scope}, ${key}, ${rest.join(", ")}, 200) ` +
      `on conflict (tenant_id, scope, key) do update set ${renewed}, status = 200, ` +
      "created_at = now(), expires_at = default where i.expires_at <= now() returning '1'",
  );
}

/** Input 0 is the id. The row is [version]; none when the record is absent or invisible. */
export function lockStatement(resource: ResourceModel, rows: Predicate, model: Model): Statement {
  const parameters = new Parameters();
  const conditions = [
    ...visibleConditions(resource, rows, model, parameters),
    `${columnName(fieldOf(resource.table, "id"), ROOT)} = ${parameters.input(0, "uuid")}`,
  ];
  return parameters.statement(
    `select ${versionSql(resource, ROOT)} from ${tableName(resource.table)} ${ROOT} ` +
      `where ${conditions.join(" and ")} for update of ${ROOT}`,
  );
}

/** Input 0 is an array of ids. Locks the visible ones in their order; the rows are [id]. */
export function lockManyStatement(
  resource: ResourceModel,
  rows: Predicate,
  model: Model,
): Statement {
  const parameters = new Parameters();
  const id = columnName(fieldOf(resource.table, "id"), ROOT);
  const conditions = [
    ...visibleConditions(resource, rows, model, parameters),
    `${id} = any(${parameters.input(0, "uuid[]")})`,
  ];
  return parameters.statement(
    `select ${id}::text from ${tableName(resource.table)} ${ROOT} ` +
      `where ${conditions.join(" and ")} order by ${id} for update of ${ROOT}`,
  );
}

/**
 * Inputs: event id, type, record id, payload, request id. The event carries the version that the
 * record has now, so those of one record are in the order of (sequence, position).
 */
export function emitStatement(resource: ResourceModel): Statement {
  const parameters = new Parameters();
  const { table } = resource;
  const id = columnName(fieldOf(table, "id"), ROOT);
  const version = table.versionField ? columnName(table.versionField, ROOT) : "0";
  const values = [
    parameters.input(0, "uuid"),
    parameters.claim("tenantId", "uuid"),
    parameters.input(1, "text"),
    id,
    version,
    "array[]::text[]",
    parameters.input(3, "json"),
    parameters.claim("id", "uuid"),
    parameters.input(4, "text"),
  ];
  const where = [
    tenantCondition(table, ROOT, parameters),
    `${id} = ${parameters.input(2, "uuid")}`,
  ];
  return parameters.statement(
    "insert into backwright.events " +
      "(id, tenant_id, type, key, sequence, fields, record, actor, request_id) " +
      `select ${values.join(", ")} from ${tableName(table)} ${ROOT} ` +
      `where ${where.filter((part) => part !== undefined).join(" and ")} returning '1'`,
  );
}
