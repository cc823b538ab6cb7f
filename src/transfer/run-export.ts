// The export: a list, page after page, as NDJSON, a JSON array or CSV. Holds one page at a time.
import type { Actor } from "../access/actor.ts";
import { BackwrightError } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { PAGE_SIZE_MAX } from "../base/limits.ts";
import type { ResourceModel } from "../model/model.ts";
import type { OperationsContext } from "../operations/context.ts";
import type { ListQuery } from "../operations/parse-list.ts";
import { type ListReply, listRecords } from "../operations/read.ts";
import type { Format } from "./read-records.ts";

export interface ExportOptions {
  readonly context: OperationsContext;
  readonly resource: ResourceModel;
  /** Filters, sort, fields and includes of a list; its page is the export's own. */
  readonly query: ListQuery;
  readonly actor: () => Promise<Actor>;
  readonly format: Format;
  /** Whether CSV is for a spreadsheet, which takes a cell that begins with = for a formula. */
  readonly isForSpreadsheet: boolean;
  /** After every page: how many records have been told. */
  readonly onProgress: (records: number) => void;
}

/**
 * The text of the file, a page at a time. A record whose sort keys do not change meanwhile is told
 * once. Throws BackwrightError.
 */
export async function* exportText(options: ExportOptions): AsyncGenerator<string> {
  const { format, onProgress } = options;
  const form = format === "csv" ? csvForm(options.isForSpreadsheet) : JSON_FORMS[format];
  let after: string | null | undefined;
  let told = 0;
  yield form.begin;
  do {
    const { records, next } = await pageOf(options, after, PAGE_SIZE_MAX);
    yield records.map((json, at) => form.record(json, told + at === 0)).join("");
    told += records.length;
    onProgress(told);
    after = next;
  } while (after !== null);
  yield form.end;
}

/** A page of as many records as one reply may hold. */
async function pageOf(
  options: ExportOptions,
  after: string | null | undefined,
  size: number,
): Promise<ListReply> {
  const { context, resource } = options;
  const request = { actor: await options.actor(), requestId: newId(), face: "export" };
  const page = { size: String(size), ...(after == null ? {} : { after }) };
  try {
    return await listRecords(context, request, resource, { ...options.query, ...page });
  } catch (error) {
    const isTooLarge = error instanceof BackwrightError && error.code === "REPLY_TOO_LARGE";
    if (!isTooLarge || size === 1) throw error;
    return pageOf(options, after, Math.ceil(size / 4));
  }
}

interface Form {
  readonly begin: string;
  record(json: string, isFirst: boolean): string;
  readonly end: string;
}

const JSON_FORMS: Readonly<Record<Exclude<Format, "csv">, Form>> = {
  ndjson: { begin: "", record: (json) => `${json}\n`, end: "" },
  json: { begin: "[", record: (json, isFirst) => `${isFirst ? "\n" : ",\n"}${json}`, end: "\n]\n" },
};

function csvForm(isForSpreadsheet: boolean): Form {
  const line = (cells: readonly string[]): string => `${cells.map(csvCell).join(",")}\n`;
  const guarded = (text: string): string =>
    isForSpreadsheet && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return {
    begin: "",
    record(json, isFirst) {
      const record = JSON.parse(json) as Record<string, unknown>;
      const cells = Object.values(record).map((value) => guarded(cellOf(value)));
      return (isFirst ? line(Object.keys(record)) : "") + line(cells);
    },
    end: "",
  };
}

/** Lists and included records are JSON in their cell; null is an empty one. */
function cellOf(value: unknown): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Quoted where RFC 4180 asks for it. */
export function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
