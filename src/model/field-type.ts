// What a type of the API is: how values go in and out. The types themselves stand in fields.ts.
import { z } from "zod";
import { expected } from "./input-words.ts";

export interface FieldType {
  /** The PostgreSQL type that parameters are cast to. */
  readonly sql: string;
  /** The schema of a value in a request body. Its output goes to `encode`. */
  readonly schema: z.ZodType;
  /** Reads a value from a query string; undefined means malformed. */
  readonly parse: (text: string) => string | undefined;
  /** What a query-string value looks like, for messages. */
  readonly example: string;
  /** A body value as PostgreSQL text. */
  readonly encode: (value: unknown) => string;
  /** SQL that renders the column as its JSON form; identity unless stated. */
  readonly json: (column: string) => string;
  // Under row-level security only leakproof comparisons become index conditions
  // (pg_proc.proleakproof), so fields of other types are not filtered or sorted by here.
  readonly comparable: boolean;
  /** Of an array: the type of its elements. */
  readonly element?: FieldType;
  /** The only values that there are, where the column says so. */
  readonly values?: readonly string[];
}

export const asIs = (column: string): string => column;
export const asText = (column: string): string => `${column}::text`;

/** In a refusal, of text that is not storable. */
export const STORABLE = "without the character NUL or half of a surrogate pair";

/** Text that PostgreSQL can hold. */
export function isStorableText(text: string): boolean {
  return !text.includes("\u0000") && text.isWellFormed();
}

/** Travels as a string that PostgreSQL reads as it stands. */
export function stringType(
  sql: string,
  example: string,
  accepts: (text: string) => boolean,
  message: string,
): FieldType {
  return {
    sql,
    example,
    schema: z.string(expected(message)).refine(accepts, message),
    parse: (text) => (accepts(text) ? text : undefined),
    encode: String,
    json: asIs,
    comparable: true,
  };
}

/** Travels as a string that `convert` turns into PostgreSQL's text; undefined means malformed. */
export function convertedType(
  sql: string,
  example: string,
  convert: (text: string) => string | undefined,
  message: string,
): FieldType {
  const accepts = (text: string): boolean => convert(text) !== undefined;
  return {
    ...stringType(sql, example, accepts, message),
    parse: convert,
    encode: (value) => convert(String(value)) ?? "",
  };
}
