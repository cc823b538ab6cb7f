// Which index serves which list. A filter and a sort are allowed together only when a B-tree
// index finds the rows in order, so that a page costs the rows that it returns; anything else is
// refused with what would be allowed. Pure: no SQL is written here.
import {
  type AnyRelationModel,
  type FieldModel,
  type IndexKey,
  type IndexModel,
  MATCHES,
  type Operator,
  type Predicate,
  type ResourceModel,
  type TableModel,
} from "../model/model.ts";
import type { Finder } from "./finder.ts";

/** The other end of a relation, and the rows there that the role may read. */
export interface RelatedRecords {
  readonly relation: AnyRelationModel;
  readonly target: ResourceModel;
  readonly rows: Predicate;
  /** Those of the join table, where there is one that is served too. */
  readonly joinRows: Predicate;
}

export interface Filter {
  readonly field: FieldModel;
  /** `search`: by the words of `q`, with a finder always. */
  readonly operator: Operator | "search";
  /** For isNull: which of the two; part of the shape rather than a value. */
  readonly isNull: boolean;
  /** Asks that the test is false. Only where no other operator says so: through a relation. */
  readonly negated: boolean;
  /** Where the field is that of a related record: tested on each row that is read. */
  readonly through: RelatedRecords | undefined;
  /** Finds the rows that pass. Without one they are tested as they are read. */
  readonly finder?: Finder;
}

/** As in the address: `dueAt`, or `site.isPublic` of a related record. */
export function filterName({ field, operator, through }: Filter): string {
  if (operator === "search") return "q";
  return through === undefined ? field.name : `${through.relation.name}.${field.name}`;
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
  /** At least one key; an index read backwards turns the directions of all of them. */
  readonly sorts: readonly IndexKey[];
  /** The key of `id`, which ends every order. */
  readonly id: IndexKey;
}

export interface Served {
  /** At least one. */
  readonly sorts: readonly Sort[];
  readonly form: Form;
  /** The request names at most one row (a unique key): any order costs nothing. */
  readonly single: boolean;
  /** Rows are tested one after the other, so the statement may read all that the index holds. */
  readonly isScan: boolean;
  /** A finder has found the rows, so any order sorts a bounded number of them. */
  readonly found?: "sorted" | "ranked";
}

// Asked for by every list; the model is frozen.
const formsByTable = new WeakMap<TableModel, readonly Form[]>();

/** Every form that the table's indexes offer, most useful first. */
function forms(table: TableModel): readonly Form[] {
  const known = formsByTable.get(table);
  if (known !== undefined) return known;
  const found = table.indexes.flatMap((index) => formsOf(index, table));
  formsByTable.set(table, found);
  return found;
}

function withoutTenant(index: IndexModel, table: TableModel): readonly IndexKey[] | undefined {
  if (table.tenantField === undefined || table.tenantField.name === "id") return index.keys;
  return index.keys[0]?.field === table.tenantField.name ? index.keys.slice(1) : undefined;
}

function formsOf(index: IndexModel, table: TableModel): Form[] {
  const keys = withoutTenant(index, table) ?? [];
  const found: Form[] = [];
  const isComparable = (key: IndexKey): boolean =>
    table.fields.get(key.field)?.type?.comparable === true;
  // NULL sorts smallest, so that a null first or last is where a reader expects it.
  const isSortable = (key: IndexKey): boolean =>
    isComparable(key) &&
    !(table.fields.get(key.field)?.nullable === true && key.nullsFirst === key.descending);
  keys.forEach((last, at) => {
    const id = last.field === "id" ? last : keys[at + 1];
    // `id` ends every sort in the direction of the last key.
    if (id?.field !== "id" || id.descending !== last.descending) return;
    for (let from = at; from >= 0; from -= 1) {
      const sorts = keys.slice(from, at + 1);
      if (!sorts.every(isSortable)) return;
      // Where `id` goes on in the same direction, the form without it says the same.
      if (id === last && keys[at - 1]?.descending === id.descending && from < at) return;
      const prefix = keys.slice(0, from);
      if (prefix.every(isComparable)) found.push({ index: index.name, prefix, sorts, id });
    }
  });
  return found;
}

/** A test of a part of a value: in no order of an index, so rows are tested as they are read. */
function isMatch({ operator }: Filter): boolean {
  return MATCHES.some((match) => match === operator);
}

const fixes = (filter: Filter): boolean =>
  !filter.negated && (filter.operator === "eq" || filter.operator === "in" || isNullTest(filter));
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
  if (filter.negated) return false;
  if (name === form.sorts[0]?.field) return true;
  return form.prefix.length === 1 && form.prefix[0]?.field === name && fixes(filter);
}

interface Direction {
  readonly field: string;
  readonly descending: boolean;
}

/** Whether two orders name the same keys in the same directions, or in all of them turned. */
function runsAs(one: readonly Direction[], other: readonly Direction[]): boolean {
  const forwards = one[0]?.descending === other[0]?.descending;
  return (
    one.length === other.length &&
    one.every(({ field, descending }, at) => {
      const key = other[at];
      return field === key?.field && (descending === key.descending) === forwards;
    })
  );
}

const directionsOf = (sorts: readonly Sort[]): readonly Direction[] =>
  sorts.map(({ field, descending }) => ({ field: field.name, descending }));

interface Match {
  readonly form: Form;
  readonly left: readonly Filter[];
}

function match(form: Form, filters: readonly Filter[]): Match | undefined {
  const used = new Set<Filter>(); // Further tests of a fixed field hold for all rows or for none.
  for (const key of form.prefix) {
    const filter = filters.find((one) => one.field.name === key.field && fixes(one));
    if (filter === undefined) return undefined;
    used.add(filter);
  }
  // A range on the first key bounds what is read; one on a later key would only pass over rows.
  const first = form.sorts[0]?.field;
  const isFixed = (one: Filter): boolean =>
    used.has(one) || (fixes(one) && form.prefix.some((key) => key.field === one.field.name));
  const isBound = (one: Filter): boolean => one.field.name === first && !one.negated;
  const left = filters.filter((one) => !isFixed(one) && !isBound(one));
  return { form, left };
}

/**
 * Finds the index for a list, or undefined when none serves it. Without a sort the order is that
 * of the first index that serves every filter, else newest first.
 * LIMIT: when each filter is served beside the sort on its own but no index serves all together,
 * the list is allowed and the filters without an index are tested on the rows that are read. So
 * is a filter on a related record or a part of a value, next to at least one on the resource's own
 * fields.
 */
export function serve(
  resource: ResourceModel,
  all: readonly Filter[],
  sorts: readonly Sort[] | undefined,
  readable: readonly FieldModel[],
): Served | undefined {
  const { table } = resource;
  const filters = all.filter((one) => one.through === undefined && !isMatch(one));
  // A cursor holds the sort keys, so nobody is given an order by a field that they may not read.
  const offered = forms(table).filter((form) =>
    form.sorts.every((key) => readable.some((field) => field.name === key.field)),
  );
  const single = fixesUniqueKey(filters, table);
  if (filters.length === 0 && all.length > 0 && !single) return undefined;
  const wanted = sorts ?? (filters.length === 0 || single ? newestFirst(table) : undefined);
  if (single && wanted !== undefined) {
    return { sorts: wanted, form: anyOrder("unique", wanted), single, isScan: false };
  }
  const asked = wanted && directionsOf(wanted);
  const fitting = offered
    .filter(({ sorts: keys }) => (asked === undefined ? keys.length === 1 : runsAs(keys, asked)))
    .map((form) => match(form, filters))
    .filter((one) => one !== undefined)
    .filter(({ form, left }) =>
      left.every((filter) =>
        offered.some((o) => runsAs(o.sorts, form.sorts) && servesAlone(filter, o)),
      ),
    )
    .sort((a, b) => a.left.length - b.left.length || b.form.prefix.length - a.form.prefix.length);
  const [best] = fitting;
  if (best === undefined) return undefined;
  const { form } = best;
  const isScan = isTested(best, all, filters);
  return { sorts: wanted ?? naturalSort(form, table), form, single: false, isScan };
}

/**
 * Whether rows of the index are read only to be passed over: for tests of related records or of a
 * part of a value, for what the index does not hold, and for a second exclusion from the order,
 * which only the first one parts into runs.
 */
function isTested({ form, left }: Match, all: readonly Filter[], own: readonly Filter[]): boolean {
  const first = form.sorts[0]?.field;
  const exclusions = own.filter(
    ({ field, operator }) => field.name === first && (operator === "ne" || operator === "nin"),
  );
  return own.length < all.length || left.length > 0 || exclusions.length > 1;
}

/** The form of a few rows: they are sorted after they were found. */
export function anyOrder(index: string, sorts: readonly Sort[]): Form {
  const key = (field: string) => ({ field, descending: false, nullsFirst: false });
  const keys = sorts.map((sort) => key(sort.field.name));
  return { index, prefix: [], sorts: keys, id: key("id") };
}

export function newestFirst(table: TableModel): readonly Sort[] | undefined {
  const field = table.fields.get("id");
  return field === undefined ? undefined : [{ field, descending: true }];
}

function naturalSort(form: Form, table: TableModel): readonly Sort[] {
  return form.sorts.map((key) => {
    const field = table.fields.get(key.field);
    if (field === undefined) throw new Error(`${table.key} has no field ${key.field}`);
    // Ids are made in time order, so an index on id alone reads newest first.
    return { field, descending: key.descending || field.name === "id" };
  });
}

/** The forms whose every field a role may read. */
export function readableForms(
  resource: ResourceModel,
  readable: ReadonlySet<string>,
): readonly Form[] {
  return forms(resource.table).filter((form) =>
    [...form.sorts, ...form.prefix].every((key) => readable.has(key.field)),
  );
}

/** `dueAt,-title`, as in the address, with the first key ascending; or all of them turned. */
export function describeSort({ sorts }: Form, turned: boolean): string {
  const [first] = sorts;
  return sorts
    .map((key) => `${(key.descending === first?.descending) === turned ? "-" : ""}${key.field}`)
    .join();
}

/** What a reader may ask for, in words: `sort=dueAt with filter[status]`, for messages and docs. */
export function describeForms(
  resource: ResourceModel,
  readable: ReadonlySet<string>,
): readonly string[] {
  const lines = readableForms(resource, readable).map((form) => {
    const filters = form.prefix.map((key) => `filter[${key.field}]`);
    const by = filters.length === 0 ? "" : ` with ${filters.join(" and ")}`;
    return `sort=${describeSort(form, false)}${by}`;
  });
  return [...new Set(lines)];
}
