// Reads the body of a create or update: bare object, known and writable fields, valid values.
import { z } from "zod";
import { BackwrightError, type ErrorDetail } from "../base/errors.ts";
import type { CreateGrant, FieldModel, UpdateGrant } from "../model/model.ts";
import type { Value } from "../sql/statement.ts";

/** One field to write, as PostgreSQL text. */
export interface FieldValue {
  readonly field: FieldModel;
  readonly value: Value;
}

type Grant = CreateGrant | UpdateGrant;
interface BodySchemas {
  readonly create: z.ZodType<Record<string, unknown>>;
  readonly update: z.ZodType<Record<string, unknown>>;
}
const schemas = new WeakMap<Grant, BodySchemas>();

/** In the model's order, whatever the body's. Throws VALIDATION_ERROR naming every field. */
export function parseBody(
  body: unknown,
  grant: Grant,
  verb: "create" | "update",
): readonly FieldValue[] {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new BackwrightError("VALIDATION_ERROR", {
      message: "The body must be a JSON object with the fields of the record.",
    });
  }
  const parsed = schemasOf(grant)[verb].safeParse(body);
  if (!parsed.success) throw invalid(parsed.error, grant);
  const values: FieldValue[] = [];
  for (const field of grant.fields) {
    const given = parsed.data[field.name];
    if (given === undefined) continue;
    const text = given === null ? null : (field.type?.encode(given) ?? null);
    values.push({ field, value: text });
  }
  if (verb === "update" && values.length === 0) {
    throw new BackwrightError("VALIDATION_ERROR", {
      message: `Name at least one field to change: ${fieldNames(grant)}.`,
    });
  }
  return values;
}

function fieldNames(grant: Grant): string {
  return grant.fields.map((field) => field.name).join(", ");
}

function schemasOf(grant: Grant): BodySchemas {
  const known = schemas.get(grant);
  if (known !== undefined) return known;
  const shape: Record<string, z.ZodType> = {};
  for (const field of grant.fields) {
    const plain = field.type?.schema ?? z.never();
    const schema = field.nullable ? plain.nullable() : plain;
    shape[field.name] = field.nullable || field.hasDefault ? schema.optional() : schema;
  }
  const create = z.strictObject(shape);
  const made = { create, update: create.partial() };
  schemas.set(grant, made);
  return made;
}

const UNKNOWN_NAMED_MAX = 20;

function invalid(error: z.ZodError, grant: Grant): BackwrightError {
  const details: ErrorDetail[] = [];
  for (const issue of error.issues) {
    const [field] = issue.path;
    if (issue.code === "unrecognized_keys") {
      const message = `is not a field that you may write here; writable: ${fieldNames(grant)}`;
      const first = issue.keys.slice(0, UNKNOWN_NAMED_MAX);
      for (const key of first) details.push({ field: key.slice(0, 100), message });
    } else {
      details.push({ field: issue.path.join("."), message: describe(issue, field, grant) });
    }
  }
  const names = [...new Set(details.map((detail) => detail.field))].slice(0, 10).join(", ");
  return new BackwrightError("VALIDATION_ERROR", { message: `Not valid: ${names}.`, details });
}

function describe(issue: z.core.$ZodIssue, field: PropertyKey | undefined, grant: Grant): string {
  const isMissing = issue.input === undefined && issue.code === "invalid_type";
  if (!isMissing) return issue.message;
  const declared = grant.fields.find((one) => one.name === field);
  return declared?.nullable === false ? `is required and ${issue.message}` : issue.message;
}
