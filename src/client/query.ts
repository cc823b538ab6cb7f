// A query object as the REST grammar's query string.

interface AnyQuery {
  readonly fields?: readonly string[];
  readonly include?: object;
  readonly filter?: object;
  readonly sort?: string | readonly string[];
  readonly page?: object;
}

/** "" or "?…". Values are encoded; a filter of undefined is left out. */
export function queryString(query: AnyQuery): string {
  const parts: string[] = [];
  const add = (name: string, value: unknown): void => {
    if (value === undefined) return;
    const text = Array.isArray(value) ? value.map(String).join(",") : String(value);
    parts.push(`${name}=${encodeURIComponent(text)}`);
  };
  addFilters("filter", query.filter ?? {}, add);
  add("sort", query.sort);
  const relations = Object.entries(query.include ?? {}).filter(
    ([, wanted]) => wanted !== undefined,
  );
  if (relations.length > 0)
    add(
      "include",
      relations.map(([name]) => name),
    );
  add("fields", query.fields);
  for (const [name, wanted] of relations) {
    if (typeof wanted === "object") add(`fields[${name}]`, (wanted as AnyQuery).fields);
  }
  for (const [key, value] of Object.entries(query.page ?? {})) add(`page[${key}]`, value);
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
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
