// What a list should hold, worked out a second time in JavaScript over plain rows. Shares no code
// with the product on purpose: it knows rows, filters and order, and neither indexes nor SQL.

/** A work order as the API shows it, as far as lists filter and sort by it. */
export interface Order {
  readonly id: string;
  readonly status: string;
  readonly siteId: string;
  readonly requesterId: string;
  readonly externalId: string | null;
  readonly assetId: string | null;
  readonly categoryId: string | null;
  readonly teamId: string | null;
  readonly assigneeId: string | null;
  /** UTC with six digits of a second, so that the order of texts is that of instants. */
  readonly dueAt: string | null;
}

export type Field = keyof Order;

export interface Question {
  readonly filters: readonly { readonly field: Field; operator: string; value: string }[];
  readonly sort: string | undefined;
}

export interface Direction {
  readonly field: Field;
  readonly descending: boolean;
}

/** SQL's logic: a null satisfies no comparison, `ne` included. */
export function satisfies(order: Order, question: Question): boolean {
  return question.filters.every(({ field, operator, value }) => {
    const own = order[field];
    if (operator === "isNull") return (own === null) === (value === "true");
    if (own === null) return false;
    if (operator === "in") return value.split(",").some((one) => own === canonical(field, one));
    const other = canonical(field, value);
    switch (operator) {
      case "eq":
        return own === other;
      case "ne":
        return own !== other;
      case "lt":
        return own < other;
      case "lte":
        return own <= other;
      case "gt":
        return own > other;
      case "gte":
        return own >= other;
      default:
        throw new Error(`the oracle does not know ${operator}`);
    }
  });
}

/** The same value may be written in several ways. */
function canonical(field: Field, text: string): string {
  if (field === "dueAt") return canonicalInstant(text);
  return field === "status" || field === "externalId" ? text : text.toLowerCase();
}

/** `2026-06-01T10:00:00.5+02:00` → `2026-06-01T08:00:00.500000Z` */
function canonicalInstant(text: string): string {
  const parts = /^([\d-]+T\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (parts === null) throw new Error(`the oracle cannot read ${text}`);
  const [, seconds, fraction = "", offset] = parts;
  const utc = new Date(`${seconds}${offset}`).toISOString().slice(0, 19);
  return `${utc}.${fraction.padEnd(6, "0")}Z`;
}

/** The order of a list without `sort`, written down for each field of the example. */
export function directionOf({ filters, sort }: Question): Direction {
  if (sort !== undefined) {
    const descending = sort.startsWith("-");
    return { field: (descending ? sort.slice(1) : sort) as Field, descending };
  }
  const [first] = filters;
  const newestFirst: Direction = { field: "id", descending: true };
  const latestDueFirst: Direction = { field: "dueAt", descending: true };
  if (first === undefined || filters.length > 1) return newestFirst;
  const { field, operator, value } = first;
  const isNullTest = operator === "isNull" && value === "true";
  const fixes = operator === "eq" || operator === "in" || isNullTest;
  switch (field) {
    case "assigneeId":
      return latestDueFirst;
    case "status":
      // "Not this state" is one of the other states.
      return fixes || operator === "ne" ? latestDueFirst : { field, descending: false };
    case "dueAt":
      return fixes ? newestFirst : latestDueFirst;
    case "siteId":
    case "requesterId":
      return fixes ? newestFirst : { field, descending: false };
    default:
      return newestFirst;
  }
}

/** Negative when `a` comes before `b`. A null is smaller than any value; `id` decides ties. */
export function compare(a: Order, b: Order, { field, descending }: Direction): number {
  const ascending = compareKeys(a[field], b[field]) || compareKeys(a.id, b.id);
  return descending ? -ascending : ascending;
}

function compareKeys(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}
