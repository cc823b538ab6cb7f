// The rows of one alternative of a list as runs of its index, one after the other (keyset.ts).
//
// An `in` before the sort becomes a LATERAL scan per value, because `= any(…)` in front of a sort
// column loses the order (49 ms against 0.5); a `nin` on the first sort key, a scan of each gap
// between its values.
import { testSql } from "./filter.ts";
import { type FirstKey, type Key, type Region, regionsBeyond } from "./keyset.ts";
import { type ArmPlan, filterCount, type ListShape, orderBy } from "./list-plan.ts";
import { columnName, sqlType } from "./names.ts";
import { ROOT } from "./read.ts";

/** The rows that one run may have to bring: a page, one row more, and what is stepped over. */
const depthOf = ({ bucket, offsetMost = 0 }: ListShape): number => bucket + 1 + offsetMost;

// A later run is read only where the earlier ones do not fill the page.
export function runsSql(
  plan: ArmPlan,
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

/** The runs that make up the page, in reading order. */
export function regionsOf(plan: ArmPlan): readonly Region[] {
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
function splitsOf({ arm, inputsFrom, first, split, parameters }: ArmPlan): readonly Region[] {
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
export function isPlain({ expanded }: ArmPlan, { gaps }: Region): boolean {
  return expanded.length === 0 && gaps === undefined;
}

export function sourceSql(plan: ArmPlan, region: Region): string {
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
