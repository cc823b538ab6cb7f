// A query object as the REST grammar's query string.

interface AnyQuery {
  readonly fields?: readonly string[];
  readonly include?: object;
  readonly filter?: object;
  readonly sort?: string | readonly string[];
  readonly page?: object;
  readonly q?: string;
  readonly highlight?: boolean;
}

/** A question of figures: its filter, sort and page as in a list. */
export function aggregateString(query: Readonly<Record<string, unknown>>): string {
  const { filter, sort, page, ...own } = query;
  const list = queryString({ filter, sort, page } as AnyQuery);
  const parts = Object.entries(own)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  const all = list === "" ? parts : [...parts, list.slice(1)];
  return all.length === 0 ? "" : `?${all.join("&")}`;
}

/** "" or "?…". Values are encoded; a filter of undefined is left out. */
export function queryString(query: AnyQuery): string {
  const parts: string[] = [];
  const add = (name: string, value: unknown): void => {
    if (value === undefined) return;
    const text = Array.isArray(value) ? value.map(inList).join(",") : textOf(value);
    parts.push(`${name}=${encodeURIComponent(text)}`);
  };
  addFilters("filter", query.filter ?? {}, add);
  add("q", query.q);
  add("highlight", query.highlight);
  add("sort", query.sort);
  const includes = [...included(query.include ?? {}, "")];
  if (includes.length > 0)
    add(
      "include",
      includes.map(({ path }) => path),
    );
  add("fields", query.fields);
  for (const { path, wanted } of includes) {
    add(`fields[${path}]`, wanted.fields);
    for (const [key, value] of Object.entries(wanted.page ?? {})) {
      add(`page[${path}][${key}]`, value);
    }
  }
  for (const [key, value] of Object.entries(query.page ?? {})) add(`page[${key}]`, value);
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

/** A JSON object goes as JSON: what a jsonb field contains. */
function textOf(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
/** A value between commas. */
const inList = (value: unknown): string => String(value).replace(/[\\,]/g, "\\$&");

/** Every relation of an include and of those within it, by its path: `asset.site`. */
function* included(
  include: object,
  before: string,
): Generator<{ readonly path: string; readonly wanted: AnyQuery }> {
  for (const [name, value] of Object.entries(include)) {
    if (value === undefined) continue;
    const wanted = typeof value === "object" ? (value as AnyQuery) : {};
    const path = `${before}${name}`;
    yield { path, wanted };
    yield* included(wanted.include ?? {}, `${path}.`);
  }
}

type Add = (name: string, value: unknown) => void;

/** `prefix` holds the groups around the filters: `filter[or][0]`. */
function addFilters(prefix: string, filter: object, add: Add): void {
  for (const [field, test] of Object.entries(filter)) {
    const name = `${prefix}[${field}]`;
    if (field === "not") addFilters(name, (test ?? {}) as object, add);
    else if (field === "and" || field === "or") {
      ((test ?? []) as readonly object[]).forEach((part, at) => {
        addFilters(`${name}[${at}]`, part, add);
      });
    } else addTest(name, test, add);
  }
}

function addTest(name: string, test: unknown, add: Add): void {
  if (typeof test !== "object" || test === null) {
    add(name, test);
    return;
  }
  for (const [operator, value] of Object.entries(test)) add(`${name}[${operator}]`, value);
}
