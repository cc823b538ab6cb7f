// Which index serves which list. A filter and a sort are allowed together only when a B-tree
// index finds the rows in order, so that a page costs the rows that it returns; anything else is
// refused with what would be allowed. Pure: no SQL is written here.
import type {
  FieldModel,
  IndexKey,
  IndexModel,
  Operator,
  ResourceModel,
  TableModel,
} from "../model/model.ts";

export interface Filter {
  readonly field: FieldModel;
  readonly operator: Operator;
  /** For isNull: which of the two; part of the shape rather than a value. */
  readonly isNull: boolean;
}

export interface Sort {
  readonly field: FieldModel;
  readonly descending: boolean;
}

/** One way that an index can serve a list: fields fixed to a value, then the order. */
export interface Form {
  readonly index: string;
  /** Fields that must be filtered by equality, in the index's order. */
  readonly prefix: readonly IndexKey[];
  readonly sort: IndexKey;
  /** The key of `id`, which ends every order. */
  readonly id: IndexKey;
}

export interface Served {
  readonly sort: Sort;
  readonly form: Form;
  /** The request names at most one row (a unique key): any order costs nothing. */
  readonly single: boolean;
}

const known = new WeakMap<TableModel, readonly Form[]>();

/** Every form that the table's indexes offer, most useful first. */
export function forms(table: TableModel): readonly Form[] {
  const found = known.get(table) ?? table.indexes.flatMap((index) => formsOf(index, table));
  known.set(table, found);
  return found;
}

function withoutTenant(index: IndexModel, table: TableModel): readonly IndexKey[] | undefined {
  if (table.tenantField === undefined || table.tenantField.name === "id") return index.keys;
  return index.keys[0]?.field === table.tenantField.name ? index.keys.slice(1) : undefined;
}

function formsOf(index: IndexModel, table: TableModel): Form[] {
  const keys = withoutTenant(index, table) ?? [];
  const found: Form[] = [];
  keys.forEach((key, at) => {
    const next = key.field === "id" ? key : keys[at + 1];
    const field = table.fields.get(key.field);
    if (field?.type?.comparable !== true || next?.field !== "id") return;
    // `id` ends every sort in the direction of the last key.
    if (next.descending !== key.descending) return;
    // NULL sorts smallest, so that a null first or last is where a reader expects it.
    if (field.nullable && key.nullsFirst === key.descending) return;
    const prefix = keys.slice(0, at);
    const usable = prefix.every((one) => table.fields.get(one.field)?.type?.comparable === true);
    if (!usable) return;
    found.push({ index: index.name, prefix, sort: key, id: next });
  });
  return found;
}

const fixes = (filter: Filter): boolean =>
  filter.operator === "eq" || filter.operator === "in" || isNullTest(filter);
const isNullTest = (filter: Filter): boolean => filter.operator === "isNull" && filter.isNull;

/** Whether equality on a whole unique key leaves at most one row for each combination. */
function fixesUniqueKey(filters: readonly Filter[], table: TableModel): boolean {
  if (table.tenantField?.name === "id") return true; // The tenant table: a tenant sees itself.
  const fixed = new Set(
    filters.filter((f) => f.operator === "eq" || f.operator === "in").map((f) => f.field.name),
  );
  return table.indexes.some((index) => {
    const keys = withoutTenant(index, table);
    return index.unique && keys?.length !== 0 && keys?.every((key) => fixed.has(key.field));
  });
}

/** Whether a form serves one filter next to its sort, if nothing else were asked. */
function servesAlone(filter: Filter, form: Form): boolean {
  const name = filter.field.name;
  if (name === form.sort.field) return true;
  return form.prefix.length === 1 && form.prefix[0]?.field === name && fixes(filter);
}

interface Match {
  readonly form: Form;
  readonly left: readonly Filter[];
}

function match(form: Form, filters: readonly Filter[]): Match | undefined {
  const used = new Set<Filter>();
  for (const key of form.prefix) {
    const filter = filters.find((one) => one.field.name === key.field && fixes(one));
    if (filter === undefined) return undefined;
    used.add(filter);
  }
  const left = filters.filter((one) => !used.has(one) && one.field.name !== form.sort.field);
  return { form, left };
}

/**
 * Finds the index for a list, or undefined when none serves it. Without a sort the order is that
 * of the first index that serves every filter, else newest first.
 * LIMIT: when each filter is served beside the sort on its own but no index serves all together,
 * the list is allowed and the filters without an index are tested on the rows that are read.
 */
export function serve(
  resource: ResourceModel,
  filters: readonly Filter[],
  sort: Sort | undefined,
  readable: readonly FieldModel[],
): Served | undefined {
  const { table } = resource;
  // A cursor holds the sort key, so nobody is given an order by a field that they may not read.
  const offered = forms(table).filter((form) =>
    readable.some((field) => field.name === form.sort.field),
  );
  const single = fixesUniqueKey(filters, table);
  const wanted = sort ?? (filters.length === 0 || single ? newestFirst(table) : undefined);
  if (single && wanted !== undefined) {
    const key = { field: wanted.field.name, descending: false, nullsFirst: false };
    const form = { index: "unique", prefix: [], sort: key, id: key };
    return { sort: wanted, form, single };
  }
  const fitting = offered
    .filter((form) => wanted === undefined || form.sort.field === wanted.field.name)
    .map((form) => match(form, filters))
    .filter((one) => one !== undefined)
    .filter(({ form, left }) =>
      left.every((filter) =>
        offered.some((o) => o.sort.field === form.sort.field && servesAlone(filter, o)),
      ),
    )
    .sort((a, b) => a.left.length - b.left.length || b.form.prefix.length - a.form.prefix.length);
  const [best] = fitting;
  if (best === undefined) return undefined;
  return { sort: wanted ?? naturalSort(best.form, table), form: best.form, single: false };
}

function newestFirst(table: TableModel): Sort | undefined {
  const field = table.fields.get("id");
  return field === undefined ? undefined : { field, descending: true };
}

function naturalSort(form: Form, table: TableModel): Sort {
  const field = table.fields.get(form.sort.field);
  if (field === undefined) throw new Error(`${table.key} has no field ${form.sort.field}`);
  // Ids are made in time order, so an index on id alone reads newest first.
  return { field, descending: form.sort.descending || field.name === "id" };
}

/** What a reader may ask for, in words: `sort=dueAt with filter[status]`, for messages and docs. */
export function describeForms(
  resource: ResourceModel,
  readable: ReadonlySet<string>,
): readonly string[] {
  const offered = forms(resource.table).filter((form) =>
    [form.sort, ...form.prefix].every((key) => readable.has(key.field)),
  );
  const lines = offered.map((form) => {
    const filters = form.prefix.map((key) => `filter[${key.field}]`);
    const by = filters.length === 0 ? "" : ` with ${filters.join(" and ")}`;
    return `sort=${form.sort.field}${by}`;
  });
  return [...new Set(lines)];
}
