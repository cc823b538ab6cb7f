// The export: a list, page after page, as NDJSON, a JSON array or CSV. Holds one page at a time.
import type { Actor } from "../access/actor.ts";
import { decide } from "../access/decide.ts";
import { BackwrightError } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { PAGE_SIZE_MAX } from "../base/limits.ts";
import type { ResourceModel } from "../model/model.ts";
import type { OperationsContext } from "../operations/context.ts";
import type { ListQuery } from "../operations/parse-list.ts";
import { type ListReply, listRecords } from "../operations/read.ts";
import { csvLine, csvRecord, parsedRecord } from "./csv-text.ts";
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
  const form = format === "csv" ? csvForm(options) : JSON_FORMS[format];
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
  if (told === 0 && format === "csv") yield csvLine(await columnsOf(options));
  yield form.end;
}

/** Where there is no record to tell them. */
async function columnsOf({ query, resource, actor }: ExportOptions): Promise<readonly string[]> {
  const wanted = query.fields?.get("")?.split(",");
  const names = decide(await actor(), resource, "read").fields.map(({ name }) => name);
  return wanted === undefined ? names : names.filter((name) => wanted.includes(name));
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

function csvForm({ resource, isForSpreadsheet }: ExportOptions): Form {
  const line = csvRecord(resource, isForSpreadsheet);
  return {
    begin: "",
    record(json, isFirst) {
      const record = parsedRecord(json);
      return (isFirst ? csvLine(Object.keys(record)) : "") + line(record);
    },
    end: "",
  };
}
