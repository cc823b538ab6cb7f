// Reads the body of a create or update: bare object, known and writable fields, valid values.
import { z } from "zod";
import { BackwrightError } from "../base/errors.ts";
import type { CreateGrant, FieldModel, UpdateGrant } from "../model/model.ts";
import type { Value } from "../sql/statement.ts";
import { IN_OUR_WORDS, invalidInput, objectOf } from "./input-problems.ts";

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
  const parsed = schemasOf(grant)[verb].safeParse(objectOf(body), IN_OUR_WORDS);
  if (!parsed.success) throw invalidInput(parsed.error);
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
