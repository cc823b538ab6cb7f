// The bounds that hold of every value, put where a schema of the OpenAPI document names none of its
// own: so no schema, whoever writes it, promises texts, lists and numbers without an end.
import { textSchema } from "../model/json-schema.ts";

// LIMIT: no body and no reply holds a list that is longer.
const ITEMS_MAX = 2 ** 30 - 1;

/** A copy with bounds on every schema in it, at any depth. */
export function withBounds<T>(value: T): T;
export function withBounds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => withBounds(one));
  if (typeof value !== "object" || value === null) return value;
  const copy = Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, withBounds(one)]),
  );
  const isOf = (type: string): boolean =>
    copy.type === type || (Array.isArray(copy.type) && copy.type.includes(type));
  if (isOf("array")) copy.maxItems ??= ITEMS_MAX;
  if (isOf("integer")) {
    copy.minimum ??= Number.MIN_SAFE_INTEGER;
    copy.maximum ??= Number.MAX_SAFE_INTEGER;
    const isShort = Number(copy.maximum) < 2 ** 31 && Number(copy.minimum) >= -(2 ** 31);
    copy.format ??= isShort ? "int32" : "int64";
  }
  if (!isOf("string") || copy.enum !== undefined || copy.const !== undefined) return copy;
  const { maxLength, pattern } = textSchema(false);
  const isPlain = [copy.maxLength, copy.format, copy.contentEncoding].every((one) => one == null);
  if (isPlain) copy.pattern ??= pattern;
  copy.maxLength ??= maxLength;
  return copy;
}
