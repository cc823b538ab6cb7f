// The types json and jsonb: which documents a request may bring, so that PostgreSQL can hold them
// and what it makes of them stays in proportion to what was sent.
import { z } from "zod";
import { noughtsOf } from "../base/exact-number.ts";
import { asIs, type FieldType, isStorableText, STORABLE } from "./field-type.ts";
import { expected } from "./input-words.ts";

/** JSON of finite numbers and storable text, keys included. */
function isStorableJson(value: unknown): boolean {
  if (typeof value === "string") return isStorableText(value);
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object") return typeof value === "boolean";
  if (value === null) return true;
  if (Array.isArray(value)) return value.every(isStorableJson);
  return Object.entries(value).every(([key, one]) => isStorableText(key) && isStorableJson(one));
}

// jsonb writes exponents out: a megabyte of 1e-16383 would be stored as 2 GB of text.
const NOUGHTS_MAX = 100_000;
const PLAIN = `must be JSON ${STORABLE}`;
const BOUNDED =
  `${PLAIN}, with exponents that come to ${NOUGHTS_MAX} noughts at most when they are written ` +
  "out";
const isBoundedJson = (value: unknown): boolean =>
  isStorableJson(value) && noughtsOf(value) <= NOUGHTS_MAX;

export function jsonType(sql: string): FieldType {
  return {
    sql,
    example: "{}",
    // Not z.json(): it drops a member named __proto__ and takes a second for a megabyte.
    schema: z.custom(
      sql === "jsonb" ? isBoundedJson : isStorableJson,
      expected(sql === "jsonb" ? BOUNDED : PLAIN, () => true),
    ),
    parse: () => undefined,
    encode: (value) => JSON.stringify(value),
    json: asIs,
    comparable: false,
  };
}
