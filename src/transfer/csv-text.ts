// CSV as we write it: RFC 4180, with an empty cell for null and `""` for an empty text.
import { parseExactly } from "../base/exact-json.ts";
import type { ResourceModel } from "../model/model.ts";
import { textOf } from "./evaluate.ts";

/** Null: an empty cell. */
export function csvLine(cells: readonly (string | null)[]): string {
  return `${cells.map(csvCell).join(",")}\n`;
}

function csvCell(text: string | null): string {
  if (text === null) return "";
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What a spreadsheet takes for a formula: by OWASP's list, but numbers are none. */
const FORMULA = /^[=+\-@\t\r](?!\d+(?:\.\d+)?$)/;

/**
 * From a record as JSON to its line. Lists, included records and fields that hold JSON are JSON in
 * their cell. `isForSpreadsheet`: a text that would be a formula begins with an apostrophe, which
 * an import does not take away again.
 */
export function csvRecord(
  resource: ResourceModel,
  isForSpreadsheet: boolean,
): (record: Readonly<Record<string, unknown>>) => string {
  const jsonFields = new Set(
    resource.served.filter(({ type }) => type?.sql.startsWith("json")).map(({ name }) => name),
  );
  const cellOf = (name: string, value: unknown): string | null => {
    if (value === null) return null;
    if (jsonFields.has(name)) return JSON.stringify(value);
    if (typeof value !== "string") return textOf(value);
    return isForSpreadsheet && FORMULA.test(value) ? `'${value}` : value;
  };
  return (record) => csvLine(Object.entries(record).map(([name, value]) => cellOf(name, value)));
}

export const parsedRecord = (json: string) => parseExactly(json) as Record<string, unknown>;
