// Which grant decides an operation, and for one record: which of its conditions hold. Asks what
// requests ask (the grants, the claims, the app login behind the wall), and writes nothing.
import { grantOf } from "../access/decide.ts";
import { StartError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Database } from "../database/database.ts";
import { openSession } from "../database/session.ts";
import { Authenticator } from "../identity/authenticate.ts";
import {
  type CreateGrant,
  fieldOf,
  type Model,
  type Predicate,
  type ResourceModel,
  type Verb,
} from "../model/model.ts";
import { operandText, predicateText } from "../model/predicate-text.ts";
import { columnName, tableName, tenantCondition } from "../sql/names.ts";
import { predicateSql } from "../sql/predicate.ts";
import { Parameters } from "../sql/statement.ts";
import { type ProjectDatabase, requireOwnerUrl } from "./databases.ts";

export interface AccessQuestion {
  readonly role: string;
  readonly resource: ResourceModel;
  /** A verb, get, list, restore or the name of an action. */
  readonly operation: string;
}

export interface GrantExplanation {
  readonly role: string;
  readonly operation: string;
  readonly isGranted: boolean;
  /** Conditions in words, of a create on the new record; undefined without a grant. */
  readonly rows?: string;
  readonly after?: string;
  readonly fields?: readonly string[];
  /** Field → the value that a create gets whatever the caller sends, in words. */
  readonly set?: Readonly<Record<string, string>>;
}

const VERBS: Readonly<Record<string, Verb>> = {
  read: "read",
  get: "read",
  list: "read",
  aggregate: "read",
  create: "create",
  update: "update",
  delete: "delete",
  restore: "delete",
};

/** Throws StartError for an operation that the resource does not have. */
export function explainGrant({ role, resource, operation }: AccessQuestion): GrantExplanation {
  const name = `${resource.name}.${operation}`;
  const { rows, fields, after, set, isGranted } = grantFor({ role, resource, operation });
  return {
    role,
    operation: name,
    isGranted,
    ...(rows === undefined ? {} : { rows: predicateText(rows) }),
    ...(after === undefined || after.kind === "everything" ? {} : { after: predicateText(after) }),
    ...(fields === undefined ? {} : { fields }),
    ...(set === undefined || set.size === 0 ? {} : { set: setInWords(set) }),
  };
}

function setInWords(set: CreateGrant["set"]): Readonly<Record<string, string>> {
  return Object.fromEntries([...set].map(([field, value]) => [field.name, operandText(value)]));
}

interface Grant {
  readonly isGranted: boolean;
  readonly rows?: Predicate;
  readonly after?: Predicate;
  readonly fields?: readonly string[];
  readonly set?: CreateGrant["set"];
}

function grantFor({ role, resource, operation }: AccessQuestion): Grant {
  const verb = Object.hasOwn(VERBS, operation) ? VERBS[operation] : undefined;
  if (operation === "restore" && resource.table.deletedField === undefined) {
    throw noOperation(resource, operation);
  }
  if (verb === undefined) {
    if (!resource.actions.has(operation)) throw noOperation(resource, operation);
    // An action runs on a record that one may read; what it does further is its own code.
    const read = grantOf({ role }, resource, "read");
    const isGranted = grantOf({ role }, resource, "actions")?.has(operation) === true;
    return isGranted && read !== undefined ? { isGranted, rows: read.rows } : { isGranted: false };
  }
  const grant = grantOf({ role }, resource, verb) as
    | (Omit<Grant, "isGranted" | "fields"> & { fields?: readonly { name: string }[] })
    | undefined;
  if (grant === undefined) return { isGranted: false };
  const { rows, after, fields, set } = grant;
  return {
    isGranted: true,
    ...(rows === undefined ? {} : { rows }),
    ...(after === undefined ? {} : { after }),
    ...(fields === undefined ? {} : { fields: fields.map((field) => field.name) }),
    ...(set === undefined ? {} : { set }),
  };
}

function noOperation(resource: ResourceModel, operation: string): StartError {
  const known = ["read", "create", "update", "delete", ...resource.actions.keys()];
  if (resource.table.deletedField !== undefined) known.push("restore");
  const what =
    operation === ""
      ? `"${resource.name}" is a resource, not an operation.`
      : `${resource.name} has no operation "${operation}".`;
  return new StartError(what, {
    fix: `--operation ${resource.name}.${known.join(` | ${resource.name}.`)}`,
  });
}

export interface Condition {
  readonly text: string;
  /** Null: PostgreSQL's unknown, which counts as no. */
  readonly holds: boolean | null;
}

export interface RecordExplanation {
  readonly id: string;
  readonly tenant: string;
  /** What a caller of this role, subject and tenant may do with it. */
  readonly isVisible: boolean;
  readonly isAllowed: boolean;
  /** What stands in the way, where it is not a condition. */
  readonly obstacle?: string;
  /** The parts of the operation's condition on rows. */
  readonly conditions: readonly Condition[];
}

export interface RecordQuestion extends AccessQuestion {
  readonly id: string;
  /** `me.id` */
  readonly subject: string;
  /** Default: the record's own. */
  readonly tenant?: string;
}

/** Throws StartError where no tenant has such a record. */
export async function explainRecord(
  model: Model,
  database: ProjectDatabase,
  question: RecordQuestion,
): Promise<RecordExplanation> {
  const { role, resource, id, subject } = question;
  const found = await findRecord(database, question);
  const tenant = question.tenant ?? found.tenant ?? subject;
  const answer = { id, tenant, isVisible: false, isAllowed: false, conditions: [] };
  if (found.tenant !== undefined && found.tenant !== tenant) {
    return { ...answer, obstacle: "It belongs to another tenant, so there is no such record." };
  }
  if (found.isDeleted && question.operation !== "restore") {
    return { ...answer, obstacle: "It is marked as deleted; only restore finds it." };
  }
  const lanes = await Database.open({
    url: database.url,
    applicationName: "backwright access",
    readConnections: 1,
    writeConnections: 1,
    statementTimeoutMs: 5_000,
    log: SILENT,
  });
  try {
    const authenticator = new Authenticator(lanes, model);
    const identity = { tenantId: tenant, role, id: subject, credential: subject };
    const { claims } = await authenticator.actorFor(identity);
    const grant = grantFor(question);
    const read = grantOf({ role }, resource, "read");
    const ask = (rows: Predicate) => holding(model, resource, rows, lanes, claims, id);
    const isVisible = read !== undefined && (await ask(read.rows)).every(holds);
    const conditions = grant.rows === undefined ? [] : await ask(grant.rows);
    return {
      ...answer,
      isVisible,
      isAllowed: grant.isGranted && conditions.every(holds),
      conditions,
    };
  } finally {
    await lanes.close();
  }
}

const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const holds = (condition: Condition): boolean => condition.holds === true;

async function findRecord(
  database: ProjectDatabase,
  { resource, id }: RecordQuestion,
): Promise<{ tenant: string | undefined; isDeleted: boolean }> {
  const { table } = resource;
  const { tenantField, deletedField } = table;
  const owner = await openSession(requireOwnerUrl(database));
  try {
    const tenant = tenantField === undefined ? "null" : `${columnName(tenantField)}::text`;
    const deleted =
      deletedField === undefined ? "false" : `${columnName(deletedField)} is not null`;
    const [row] = await owner.query<{ tenant: string | null; deleted: boolean }>(
      `select ${tenant} as tenant, ${deleted} as deleted from ${tableName(table)}
       where ${columnName(fieldOf(table, "id"))} = $1`,
      [id],
    );
    if (row === undefined) {
      throw new StartError(`No tenant has a record ${id} of ${resource.name}.`, {
        fix: `--id with an id of the table ${table.sqlName}`,
      });
    }
    return { tenant: row.tenant ?? undefined, isDeleted: row.deleted };
  } finally {
    await owner.close();
  }
}

/** The parts of a condition, each asked of the record behind the wall of the caller's tenant. */
async function holding(
  model: Model,
  resource: ResourceModel,
  rows: Predicate,
  database: Database,
  claims: Readonly<Record<string, string | null>>,
  id: string,
): Promise<readonly Condition[]> {
  const parts = rows.kind === "all" ? rows.of : [rows];
  const { table } = resource;
  const parameters = new Parameters();
  const selected = parts.map((part) => {
    const condition = predicateSql(part, table, "r", { model, parameters }) ?? "true";
    return `(${condition})::text`;
  });
  const isRecord = `${columnName(fieldOf(table, "id"), "r")} = ${parameters.input(0, "uuid")}`;
  const isOfTenant = tenantCondition(table, "r", parameters) ?? "true";
  const text =
    `select ${selected.join(", ")} from ${tableName(table)} r ` +
    `where ${isRecord} and ${isOfTenant}`;
  const [row] = await database.read(parameters.statement(text), { claims }, [id]);
  return parts.map((part, at) => {
    const value = row?.[at];
    return { text: predicateText(part), holds: value == null ? null : value === "true" };
  });
}
