// List: one page in keyset order, as rows of the record's columns, sort keys and id.
//
// A page is read as one or more regions (keyset.ts), each of them a run of an index. An `in` before
// the sort becomes a LATERAL scan per value, because `= any(…)` in front of a sort column loses the
// order (49 ms against 0.5); a `nin` on the first sort key, a scan of each gap between its values.
import { type FieldModel, fieldOf, type Model } from "../model/model.ts";
import { filterSql, testSql } from "./filter.ts";
import { type FirstKey, type Key, type Region, regionsBeyond } from "./keyset.ts";
import { columnName, sqlType, tableName } from "./names.ts";
import { type Include, type RecordShape, ROOT, visibleConditions } from "./read.ts";
import { recordSelect } from "./record.ts";
import type { Sort } from "./serve.ts";
import { type Arm, isScannedByValue, isSplitOfOrder } from "./serve-arms.ts";
import { Parameters, type Statement } from "./statement.ts";

export interface ListShape extends RecordShape {
  /**
   * Alternatives under one order, at least one. The filters of all of them, one after the other,
   * take input 0 and on; a list of values is an array literal.
   */
  readonly arms: readonly Arm[];
  /** Which side of a cursor to read, and which of the cursor's sort keys are null. */
  readonly from: { readonly before: boolean; readonly nullKeys: readonly boolean[] } | undefined;
  /** One of PAGE_BUCKETS; one row more is read to see whether there is a next page. */
  readonly bucket: number;
  /** Rows that may be stepped over from the start, one of OFFSET_BUCKETS; not with `from`. */
  readonly offsetMost: number | undefined;
}

/** How one arm is read. */
interface Plan {
  readonly shape: ListShape;
  readonly arm: Arm;
  /** Where the values of its filters begin among the inputs. */
  readonly inputsFrom: number;
  readonly parameters: Parameters;
  readonly table: string;
  /** In the directions in which rows are read: all turned for a page before a cursor. */
  readonly sorts: readonly Sort[];
  readonly first: Sort;
  /** Which filter parts the first key into runs; -1 for none. */
  readonly split: number;
  readonly id: FieldModel;
  readonly conditions: readonly string[];
  /** `in` filters that are scanned value by value. */
  readonly expanded: readonly { readonly field: FieldModel; readonly values: string }[];
  /** Columns held at null, which must stand in ORDER BY for the index's order to be seen. */
  readonly heldNull: readonly string[];
}

/**
 * Inputs: the filters' values, then the cursor's sort keys and id where `from` is given, or the
 * offset. Rows come in reading order, which is the reverse of the page's for `before`.
 */
export function listStatement(shape: ListShape, model: Model): Statement {
  const parameters = new Parameters();
  const plans = planArms(shape, model, parameters);
  const [plan] = plans;
  if (plan === undefined) throw new Error("a list has at least one arm");
  if (plans.length > 1) return unionStatement(plans, model);
  const regions = regionsOf(plan);
  const limit = `limit ${shape.bucket + 1}`;
  const record = recordSelect(shape, model, parameters);
  const columns = [...record.columns, ...keyTexts(plan)].join(", ");
  const [only] = regions;
  const single = regions.length === 1 && only !== undefined && isPlain(plan, only);
  const order = orderBy(plan, ROOT);
  const isCut = shape.offsetMost !== undefined || shape.includes.some(holdsMany);
  if (single && !isCut) {
    const where = [...plan.conditions, ...only.conditions].join(" and ");
    return parameters.statement(
      `select ${columns} from ${plan.table} ${ROOT}${record.joins} ` +
        `where ${where} ${order} ${limit}`,
    );
  }
  const { queries, all } = runsSql(plan, regions, "run");
  const runs = single ? "" : `with ${queries} `;
  const source = single ? sourceSql(plan, only) : all;
  const runOrder = single ? order : order.replace("order by ", `order by ${ROOT}.page_run, `);
  if (!isCut) {
    return parameters.statement(
      `${runs}select ${columns} from (${source}) ${ROOT}${record.joins} ${runOrder} ${limit}`,
    );
  }
  // The page is cut off first, so that nothing is made or looked up of rows outside of it.
  const page = `select ${ROOT}.* from (${source}) ${ROOT} ${runOrder} ${limit}${offsetSql(plan)}`;
  return parameters.statement(
    `${runs}select ${columns} from (${page}) ${ROOT}${record.joins} ${runOrder}`,
  );
}

/**
 * Several arms: each reads its own first rows in order, so the first of all are among them. Each
 * row is kept once, after the arms have been read: leaving out in one what another finds would
 * read on without bound.
 */
function unionStatement(plans: readonly Plan[], model: Model): Statement {
  const [first] = plans;
  if (first === undefined) throw new Error("a list has at least one arm");
  const { shape, parameters } = first;
  const runs = plans.map((plan, at) => runsSql(plan, regionsOf(plan), `arm${at}_run`));
  const record = recordSelect(shape, model, parameters);
  const order = orderOfKeys(first);
  const keys = [...new Set(keysOf(first))].map((field) => columnName(field, ROOT));
  const offset = offsetSql(first);
  const page =
    `select distinct on (${keys.join(", ")}) ${ROOT}.* ` +
    `from (${runs.map(({ all }) => all).join(" union all ")}) ${ROOT} ` +
    `${order} limit ${shape.bucket + 1}${offset}`;
  return parameters.statement(
    `with ${runs.map(({ queries }) => queries).join(", ")} ` +
      `select ${[...record.columns, ...keyTexts(first)].join(", ")} ` +
      `from (${page}) ${ROOT}${record.joins} ${order}`,
  );
}

function offsetSql({ shape, parameters }: Plan): string {
  if (shape.offsetMost === undefined) return "";
  return ` offset ${parameters.input(filterCount(shape), "bigint")}`;
}

const holdsMany = ({ page, includes }: Include): boolean =>
  page !== undefined || includes.some(holdsMany);

const filterCount = ({ arms }: ListShape): number =>
  arms.reduce((count, { filters }) => count + filters.length, 0);

/** The fields of the order, the id last. */
function keysOf({ sorts, id }: Plan): readonly FieldModel[] {
  return [...sorts.map(({ field }) => field), id];
}

const keyTexts = (plan: Plan): string[] =>
  keysOf(plan).map((field) => `${columnName(field, ROOT)}::text`);

/** The order without a thought of any index: null is smallest. */
function orderOfKeys({ sorts, id }: Plan): string {
  const last = sorts.at(-1);
  const all = last === undefined || last.field === id ? sorts : [...sorts, { ...last, field: id }];
  const keys = all.map(
    ({ field, descending }) => `${columnName(field, ROOT)} ${direction(descending, !descending)}`,
  );
  return `order by ${keys.join(", ")}`;
}

/** The rows that one run may have to bring: a page, one row more, and what is stepped over. */
const depthOf = ({ bucket, offsetMost = 0 }: ListShape): number => bucket + 1 + offsetMost;

// A later run is read only where the earlier ones do not fill the page.
function runsSql(
  plan: Plan,
  regions: readonly Region[],
  name: string,
): { readonly queries: string; readonly all: string } {
  const runs = regions.map((region, at) => {
    const read = regions
      .slice(0, at)
      .map((_, earlier) => `(select count(*) from ${name}${earlier})`);
    const open = at === 0 ? "" : ` where ${read.join(" + ")} <= ${depthOf(plan.shape) - 1}`;
    const rows = `select ${at} as page_run, s.* from (${sourceSql(plan, region)}) s${open}`;
    return `${name}${at} as (${rows})`;
  });
  const all = regions.map((_, at) => `select * from ${name}${at}`).join(" union all ");
  return { queries: runs.join(", "), all };
}

function planArms(shape: ListShape, model: Model, parameters: Parameters): readonly Plan[] {
  let inputsFrom = 0;
  return shape.arms.map((arm) => {
    const plan = planArm(shape, arm, inputsFrom, { model, parameters });
    inputsFrom += arm.filters.length;
    return plan;
  });
}

function planArm(
  shape: ListShape,
  arm: Arm,
  inputsFrom: number,
  { model, parameters }: { readonly model: Model; readonly parameters: Parameters },
): Plan {
  const { resource } = shape;
  const { served, filters } = arm;
  const conditions = visibleConditions(resource, shape.rows, model, parameters);
  const expanded: { field: FieldModel; values: string }[] = [];
  const heldNull: string[] = [];
  const reversed = shape.from?.before === true;
  const sorts = served.sorts.map((sort) => ({
    field: sort.field,
    descending: sort.descending !== reversed,
  }));
  const [first] = sorts;
  if (first === undefined) throw new Error("a list has an order");
  const forwards = first.descending === served.form.sorts[0]?.descending;
  const split = filters.findIndex((one) => isSplitOfOrder(one, served));
  filters.forEach((filter, at) => {
    const { field, operator, through } = filter;
    const input = inputsFrom + at;
    if (isScannedByValue(filter, served)) {
      expanded.push({ field, values: parameters.input(input, `${sqlType(field)}[]`) });
    } else if (at !== split) {
      conditions.push(filterSql(filter, input, resource, ROOT, { model, parameters }));
    }
    const key = served.form.prefix.find((one) => one.field === field.name);
    if (through === undefined && operator === "isNull" && filter.isNull && key !== undefined) {
      const order = direction(forwards === key.descending, forwards === key.nullsFirst);
      heldNull.push(`${columnName(field, ROOT)} ${order}`);
    }
  });
  return {
    shape,
    arm,
    inputsFrom,
    parameters,
    table: tableName(resource.table),
    sorts,
    first,
    split,
    id: fieldOf(resource.table, "id"),
    conditions,
    expanded,
    heldNull,
  };
}

const direction = (descending: boolean, nullsFirst: boolean): string =>
  `${descending ? "desc" : "asc"} nulls ${nullsFirst ? "first" : "last"}`;

// A column that is never null may stand in the index with its nulls on either side; the clause
// must be the index's own, or PostgreSQL sorts what is already sorted.
function orderBy(plan: Plan, alias: string): string {
  const { form, single } = plan.arm.served;
  const { sorts, first, id } = plan;
  const forwards = first.descending === form.sorts[0]?.descending;
  const keys = plan.heldNull.map((key) => key.replace(`${ROOT}.`, `${alias}.`));
  let last = first;
  for (const [at, sort] of sorts.entries()) {
    const { field, descending } = sort;
    const isOwn = forwards === form.sorts[at]?.nullsFirst;
    const nullsFirst = single || field.nullable ? !descending : isOwn;
    keys.push(`${columnName(field, alias)} ${direction(descending, nullsFirst)}`);
    last = sort;
  }
  if (last.field !== id) {
    const order = direction(last.descending, forwards === form.id.nullsFirst);
    keys.push(`${columnName(id, alias)} ${order}`);
  }
  return `order by ${keys.join(", ")}`;
}

/** The runs that make up the page, in reading order. */
function regionsOf(plan: Plan): readonly Region[] {
  const { shape, arm, first, parameters } = plan;
  const { filters, served } = arm;
  const { from } = shape;
  const inputs = filterCount(shape);
  const onFirst = filters.filter(
    ({ field, through }) => field === first.field && through === undefined,
  );
  if (from === undefined) {
    const splits = splitsOf(plan);
    if (splits.length > 1) return splits;
    return [{ conditions: [], gaps: undefined }]; // One run holds the nulls too, at their end.
  }
  const excluding = filters[plan.split];
  const at: FirstKey = {
    isBounded: !served.single && onFirst.some(({ operator }) => operator !== "isNull"),
    canBeNull:
      first.field.nullable && onFirst.every((one) => one.operator === "isNull" && one.isNull),
    canBeValue: !onFirst.some((one) => one.operator === "isNull" && one.isNull),
    splits: () => splitsOf(plan),
    keeps:
      excluding === undefined || shape.arms.length === 1
        ? undefined
        : (cursor) => testSql(excluding, cursor, plan.inputsFrom + plan.split, parameters),
  };
  const cursorId = parameters.input(inputs + plan.sorts.length, "uuid");
  const keys = plan.sorts.map(({ field, descending }, nth): Key => {
    const value = (): string => parameters.input(inputs + nth, sqlType(field));
    return {
      column: columnName(field, ROOT),
      descending,
      nullable: field.nullable,
      cursor: field === plan.id ? cursorId : from.nullKeys[nth] ? undefined : value(),
    };
  });
  const last = plan.sorts.at(-1) ?? first;
  const { descending } = last;
  const column = columnName(plan.id, ROOT);
  const id: Key = { column, descending, nullable: false, cursor: cursorId };
  return regionsBeyond(last.field === plan.id ? keys : [...keys, id], at);
}

/** The parts that `ne` or `nin` on the first key leaves of its values, in reading order. */
function splitsOf({ arm, inputsFrom, first, split, parameters }: Plan): readonly Region[] {
  const excluding = arm.filters[split];
  if (excluding === undefined) return [{ conditions: [], gaps: undefined }];
  const column = columnName(first.field, ROOT);
  const type = sqlType(first.field);
  const part = (operator: string, value: string, gaps?: string): Region => ({
    conditions: gaps === undefined ? [`${column} ${operator} ${value}`] : [],
    gaps,
  });
  let parts: readonly Region[];
  if (excluding.operator === "ne") {
    const value = parameters.input(inputsFrom + split, type);
    parts = [part("<", value), part(">", value)];
  } else {
    const values = parameters.input(inputsFrom + split, `${type}[]`);
    const end = (way: string): string =>
      `(select u from unnest(${values}) u order by u ${way} limit 1)`;
    parts = [part("<", end("asc")), part("", "", values), part(">", end("desc"))];
  }
  return first.descending ? [...parts].reverse() : parts;
}

/** Neighbours among the values; the first has nothing below it and finds no row. */
const gapsSql = (values: string): string =>
  `select lag(u) over (order by u), u from (select distinct unnest(${values})) d(u)`;

/** Whether a region is one scan, rather than one for each value of a list. */
function isPlain({ expanded }: Plan, { gaps }: Region): boolean {
  return expanded.length === 0 && gaps === undefined;
}

function sourceSql(plan: Plan, region: Region): string {
  const limit = `limit ${depthOf(plan.shape)}`;
  const { expanded, conditions, first, table } = plan;
  const values = expanded.map(({ field }, at) => `${columnName(field, ROOT)} = v${at}.value`);
  // Distinct: the same value may have come in two spellings, and each would bring its rows.
  const lists = expanded.map(
    (one, at) => `(select distinct unnest(${one.values})) as v${at}(value)`,
  );
  if (region.gaps !== undefined) {
    const column = columnName(first.field, ROOT);
    values.push(`${column} > g.low and ${column} < g.high`);
    lists.push(`(${gapsSql(region.gaps)}) as g(low, high)`);
  }
  const where = [...conditions, ...values, ...region.conditions].join(" and ");
  const order = orderBy(plan, ROOT);
  const scan = `select ${ROOT}.* from ${table} ${ROOT} where ${where} ${order} ${limit}`;
  if (isPlain(plan, region)) return scan;
  return (
    `select x.* from ${lists.join(" cross join ")} cross join lateral (${scan}) x ` +
    `${orderBy(plan, "x")} ${limit}`
  );
}
