// Values as Drizzle gives and takes them, in the form in which the API carries them: for the code
// of actions and for defaults that are made in Node.
import type { FieldType } from "./field-type.ts";
import { decodeArray } from "./fields.ts";

/** The JSON form of a value, as the type's schema expects it. */
export function jsonForm(type: FieldType | undefined, value: unknown): unknown {
  const element = type?.element;
  if (element !== undefined) {
    // Drizzle leaves a list of a custom type as PostgreSQL writes it.
    const list = typeof value === "string" ? decodeArray(value) : value;
    return Array.isArray(list) ? list.map((one) => jsonForm(element, one)) : list;
  }
  if (value instanceof Date) return dateForm(type?.sql, value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && type?.sql === "numeric") return String(value);
  if (type?.sql === "point") return tuple(value, ["x", "y"]);
  if (type?.sql === "line") return tuple(value, ["a", "b", "c"]);
  return value;
}

function dateForm(sql: string | undefined, value: Date): string {
  const text = value.toISOString();
  if (sql === "date") return text.slice(0, 10);
  return sql === "timestamp" ? text.slice(0, -1) : text;
}

function tuple(value: unknown, keys: readonly string[]): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return keys.map((key) => (value as Readonly<Record<string, unknown>>)[key]);
}
