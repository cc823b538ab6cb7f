// A query object as the REST grammar's query string.

interface AnyQuery {
  readonly fields?: readonly string[];
  readonly include?: object;
  readonly filter?: object;
  readonly sort?: string | readonly string[];
  readonly page?: object;
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
    const text = Array.isArray(value) ? value.map(String).join(",") : String(value);
    parts.push(`${name}=${encodeURIComponent(text)}`);
  };
  for (const [field, test] of Object.entries(query.filter ?? {})) addFilter(field, test, add);
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

function addFilter(
  field: string,
  test: unknown,
  add: (name: string, value: unknown) => void,
): void {
  if (typeof test !== "object" || test === null) {
    add(`filter[${field}]`, test);
    return;
  }
  for (const [operator, value] of Object.entries(test)) add(`filter[${field}][${operator}]`, value);
}
