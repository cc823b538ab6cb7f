// Fields as JSON Schema (draft 2020-12, as OpenAPI 3.1 uses it): what replies hold, what requests
// may send. Says no more than what is checked, and no less than a client can know.
import { z } from "zod";
import { REQUEST_LIMITS } from "../base/limits.ts";
import type { FieldModel } from "./model.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

const INTEGERS: Readonly<Record<string, number>> = { smallint: 16, integer: 32 };

// LIMIT: what PostgreSQL holds in one value; what a body or an address can carry.
const REPLY_TEXT_MAX = 2 ** 30 - 1;
const REQUEST_TEXT_MAX = REQUEST_LIMITS.bodyBytesMax;

/** Text of any length that can be: PostgreSQL keeps no NUL. */
export function textSchema(isRequest: boolean): JsonSchema {
  const maxLength = isRequest ? REQUEST_TEXT_MAX : REPLY_TEXT_MAX;
  return { type: "string", maxLength, pattern: "^[^\\u0000]*$" };
}

/** A whole number that fits its format. */
export function integerSchema(minimum: number, maximum: number): JsonSchema {
  const format = maximum < 2 ** 31 ? "int32" : "int64";
  return { type: "integer", format, minimum, maximum };
}

/** A value of the field in a reply. */
export function replySchema(field: FieldModel): JsonSchema {
  return nullable(field, plainSchema(field, false));
}

/** A value of the field in a request body. */
export function requestSchema(field: FieldModel): JsonSchema {
  return nullable(field, plainSchema(field, true));
}

/** A value of the field in a query string, where everything is text. */
export function parameterSchema(field: FieldModel): JsonSchema {
  return plainSchema(field, true);
}

function nullable(field: FieldModel, schema: JsonSchema): JsonSchema {
  return field.nullable ? orNull(schema) : schema;
}

function orNull(schema: JsonSchema): JsonSchema {
  if (typeof schema.type === "string") {
    const values = schema.enum as readonly unknown[] | undefined;
    return {
      ...schema,
      type: [schema.type, "null"],
      ...(values === undefined ? {} : { enum: [...values, null] }),
    };
  }
  return Object.keys(schema).length === 0 ? {} : { anyOf: [schema, { type: "null" }] };
}

function plainSchema(field: FieldModel, isRequest: boolean): JsonSchema {
  const values = field.values ?? field.type?.values;
  if (values !== undefined) return { type: "string", enum: values };
  return typeSchema(field.type?.sql ?? field.sqlType, field.sqlType, isRequest);
}

/** The number in brackets, as in varchar(8). */
function sizeOf(sqlType: string): number | undefined {
  const size = /\((\d+)\)/.exec(sqlType)?.[1];
  return size === undefined ? undefined : Number(size);
}

const CLOCK = "\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,6})?)?";
// In a reply also what SQL alone can write, as PostgreSQL spells it.
const STORED_TIMESTAMP = `^(-?infinity|\\d{4,6}-\\d{2}-\\d{2}[T ]${CLOCK}( BC)?)$`;
const PATTERNS: Readonly<Record<string, string>> = {
  time: `^${CLOCK}$`,
  timetz: `^${CLOCK}(Z|[+-]\\d{2}(:\\d{2}){0,2})$`,
  cidr: "^[0-9a-fA-F:.]+/\\d{1,3}$",
  inet: "^[0-9a-fA-F:.]+(/\\d{1,3})?$",
  macaddr: "^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$",
  macaddr8: "^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){7}$",
};

function typeSchema(sql: string, sqlType: string, isRequest: boolean): JsonSchema {
  if (sql.endsWith("[]")) {
    const items = typeSchema(sql.slice(0, -2), sqlType.replace("[]", ""), isRequest);
    // SQL can put a null in a list, and more than a request may; requests cannot.
    if (!isRequest) return { type: "array", items: orNull(items), maxItems: REPLY_TEXT_MAX };
    return { type: "array", items, maxItems: 1_000 };
  }
  const bits = INTEGERS[sql];
  if (bits !== undefined) {
    const most = 2 ** (bits - 1) - 1;
    return integerSchema(-most - 1, most);
  }
  switch (sql) {
    case "uuid":
      return { type: "string", format: "uuid", maxLength: 36 };
    case "varchar": {
      const maxLength = sizeOf(sqlType);
      const text = textSchema(isRequest);
      return maxLength === undefined ? text : { ...text, maxLength };
    }
    case "bigint": {
      const text = { type: "string", maxLength: 20, pattern: "^-?\\d{1,19}$" };
      if (!isRequest) return text;
      const most = Number.MAX_SAFE_INTEGER;
      return { anyOf: [text, integerSchema(-most, most)] };
    }
    case "numeric":
      return isRequest
        ? { type: "string", maxLength: 202, pattern: "^-?\\d{1,100}(\\.\\d{1,100})?$" }
        : { type: "string", maxLength: 147_457, pattern: "^(-?\\d+(\\.\\d+)?|NaN|-?Infinity)$" };
    case "real":
    case "double precision":
      return floatSchema(isRequest);
    case "boolean":
      return { type: "boolean" };
    case "date":
      return { type: "string", format: "date", maxLength: 16 };
    case "timestamptz":
      return { type: "string", format: "date-time", maxLength: 40 };
    case "timestamp":
      return isRequest
        ? { type: "string", maxLength: 26, pattern: `^\\d{4}-\\d{2}-\\d{2}T${CLOCK}$` }
        : { type: "string", maxLength: 40, pattern: STORED_TIMESTAMP };
    case "json":
    case "jsonb":
      return {};
    case "bytea":
      return { type: "string", contentEncoding: "base64" };
    case "interval":
      return { type: "string", format: "duration" };
    case "point":
      return { type: "array", items: floatSchema(isRequest), minItems: 2, maxItems: 2 };
    case "line":
      return { type: "array", items: floatSchema(isRequest), minItems: 3, maxItems: 3 };
    case "bpchar":
      return { type: "string", maxLength: sizeOf(sqlType) ?? 1 };
    case "varbit":
      return { type: "string", pattern: `^[01]{0,${sizeOf(sqlType) ?? ""}}$` };
    default: {
      const pattern = /^bit\(/.test(sql) ? `^[01]{${sizeOf(sql)}}$` : PATTERNS[sql];
      return pattern === undefined ? textSchema(isRequest) : { type: "string", pattern };
    }
  }
}

/** In a reply also what SQL alone can write, and JSON has no number for. */
function floatSchema(isRequest: boolean): JsonSchema {
  const number = { type: "number" };
  if (isRequest) return number;
  return { anyOf: [number, { type: "string", enum: ["NaN", "Infinity", "-Infinity"] }] };
}

/** What JSON Schema has no words for is left open, except dates, which travel as instants. */
export function zodSchema(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const { $schema: _, ...made } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override({ zodSchema: one, jsonSchema: target }) {
      if (one._zod.def.type !== "date") return;
      target.type = "string";
      target.format = "date-time";
    },
  });
  return made;
}
