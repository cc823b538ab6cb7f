// List: one page in keyset order, as rows of the record's columns, sort key and id.
//
// A page is read as one or more regions, each of them a run of an index: the rows with a sort key
// and the rows whose key is null (a keyset condition over both cannot be an index condition), and
// the two sides of a `ne`. An `in` before the sort becomes a LATERAL scan per value, because
// `= any(…)` in front of a sort column loses the order (49 ms against 0.5).
import { type FieldModel, fieldOf, type Model } from "../model/model.ts";
import { columnName, sqlType, tableName } from "./names.ts";
import { COMPARISON_SQL } from "./predicate.ts";
import { type RecordShape, ROOT, visibleConditions } from "./read.ts";
import { recordSelect } from "./record.ts";
import type { Filter, Served } from "./serve.ts";
import { Parameters, type Statement } from "./statement.ts";

export interface ListShape extends RecordShape {
  /** In canonical order; filter n takes input n. A list of values is an array literal. */
  readonly filters: readonly Filter[];
  readonly served: Served;
  /** Which side of a cursor to read, and whether the cursor's sort key is null. */
  readonly from: { readonly before: boolean; readonly keyIsNull: boolean } | undefined;
  /** One of PAGE_BUCKETS; one row more is read to see whether there is a next page. */
  readonly bucket: number;
}

interface Region {
  readonly conditions: readonly string[];
}

interface Plan {
  readonly shape: ListShape;
  readonly parameters: Parameters;
  readonly table: string;
  readonly sort: FieldModel;
  readonly id: FieldModel;
  /** The direction in which rows are read: reversed for a page before a cursor. */
  readonly descending: boolean;
  readonly conditions: readonly string[];
  /** `in` filters that are scanned value by value. */
  readonly expanded: readonly { readonly field: FieldModel; readonly values: string }[];
  /** Columns held at null, which must stand in ORDER BY for the index's order to be seen. */
  readonly heldNull: readonly string[];
}

/**
 * Inputs: the filters' values, then the cursor's sort key and id where `from` is given.
 * Rows come in reading order, which is the reverse of the page's for `before`.
 */
export function listStatement(shape: ListShape, model: Model): Statement {
  const parameters = new Parameters();
  const plan = planList(shape, model, parameters);
  const regions = regionsOf(plan);
  const limit = `limit ${shape.bucket + 1}`;
  const order = orderBy(plan, ROOT);
  const record = recordSelect(shape, model, parameters);
  const keys = [plan.sort, plan.id].map((field) => `${columnName(field, ROOT)}::text`);
  const columns = [...record.columns, ...keys].join(", ");
  const [only] = regions;
  if (regions.length === 1 && only !== undefined && plan.expanded.length === 0) {
    const where = [...plan.conditions, ...only.conditions].join(" and ");
    return parameters.statement(
      `select ${columns} from ${plan.table} ${ROOT}${record.joins} ` +
        `where ${where} ${order} ${limit}`,
    );
  }
  // A later run is read only where the earlier ones do not fill the page.
  const runs = regions.map((region, at) => {
    const read = regions.slice(0, at).map((_, earlier) => `(select count(*) from run${earlier})`);
    const open = at === 0 ? "" : ` where ${read.join(" + ")} <= ${shape.bucket}`;
    return `run${at} as (select ${at} as page_run, s.* from (${sourceSql(plan, region)}) s${open})`;
  });
  const all = `(${runs.map((_, at) => `select * from run${at}`).join(" union all ")}) ${ROOT}`;
  const runOrder = order.replace("order by ", `order by ${ROOT}.page_run, `);
  return parameters.statement(
    `with ${runs.join(", ")} select ${columns} from ${all}${record.joins} ${runOrder} ${limit}`,
  );
}

function planList(shape: ListShape, model: Model, parameters: Parameters): Plan {
  const { resource, served, filters } = shape;
  const prefix = served.form.prefix.map((key) => key.field);
  const conditions = visibleConditions(resource, shape.rows, model, parameters);
  const expanded: { field: FieldModel; values: string }[] = [];
  const heldNull: string[] = [];
  const reversed = shape.from?.before === true;
  const descending = served.sort.descending !== reversed;
  const forwards = descending === served.form.sort.descending;
  filters.forEach((filter, at) => {
    const column = columnName(filter.field, ROOT);
    const type = sqlType(filter.field);
    const name = filter.field.name;
    if (filter.operator === "isNull") {
      conditions.push(`${column} is ${filter.isNull ? "" : "not "}null`);
      const key = served.form.prefix.find((one) => one.field === name);
      if (filter.isNull && key !== undefined) {
        heldNull.push(
          `${column} ${direction(forwards === key.descending, forwards === key.nullsFirst)}`,
        );
      }
    } else if (filter.operator === "in") {
      const values = parameters.input(at, `${type}[]`);
      const ordered = !served.single && (prefix.includes(name) || name === served.sort.field.name);
      if (ordered) expanded.push({ field: filter.field, values });
      else conditions.push(`${column} = any(${values})`);
    } else if (filter.operator !== "ne" || name !== served.sort.field.name || served.single) {
      const value = parameters.input(at, type);
      conditions.push(`${column} ${COMPARISON_SQL[filter.operator]} ${value}`);
    }
  });
  return {
    shape,
    parameters,
    table: tableName(resource.table),
    sort: served.sort.field,
    id: fieldOf(resource.table, "id"),
    descending,
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
  const { form, single } = plan.shape.served;
  const { descending } = plan;
  const forwards = descending === form.sort.descending;
  const nullsFirst = single || plan.sort.nullable ? !descending : forwards === form.sort.nullsFirst;
  const keys = plan.heldNull.map((key) => key.replace(`${ROOT}.`, `${alias}.`));
  keys.push(`${columnName(plan.sort, alias)} ${direction(descending, nullsFirst)}`);
  if (plan.sort !== plan.id) {
    keys.push(
      `${columnName(plan.id, alias)} ${direction(descending, forwards === form.id.nullsFirst)}`,
    );
  }
  return `order by ${keys.join(", ")}`;
}

/** The runs that make up the page, in reading order. */
function regionsOf(plan: Plan): readonly Region[] {
  const { shape, sort, descending, parameters } = plan;
  const { filters, from } = shape;
  const onSort = filters.filter((filter) => filter.field === sort);
  const column = columnName(sort, ROOT);
  const excluded = filters.findIndex((one) => one.operator === "ne" && one.field === sort);
  const canBeNull =
    sort.nullable && onSort.every((filter) => filter.operator === "isNull" && filter.isNull);
  const canBeValue = !onSort.some((filter) => filter.operator === "isNull" && filter.isNull);
  const splits =
    excluded === -1 || shape.served.single
      ? [[]]
      : (descending ? [">", "<"] : ["<", ">"]).map((operator) => [
          `${column} ${operator} ${parameters.input(excluded, sqlType(sort))}`,
        ]);
  const values = splits.map((conditions) => ({ conditions }));
  if (from === undefined) {
    if (splits.length > 1) return values;
    return [{ conditions: [] }]; // One run of the index holds the nulls too, at their end.
  }
  const nulls = [`${column} is null`];
  const idOperator = descending ? "<" : ">";
  const cursorId = parameters.input(filters.length + 1, "uuid");
  const afterId = `${columnName(plan.id, ROOT)} ${idOperator} ${cursorId}`;
  if (sort === plan.id) return values.map((one) => ({ conditions: [...one.conditions, afterId] }));
  const notNull = sort.nullable ? [`${column} is not null`] : [];
  if (from.keyIsNull) {
    const rest = { conditions: [...nulls, afterId] };
    if (descending || !canBeValue) return [rest];
    return [rest, ...values.map((one) => ({ conditions: [...one.conditions, ...notNull] }))];
  }
  const cursorKey = parameters.input(filters.length, sqlType(sort));
  // A row comparison is one index condition (measured as good as a bounding `<=` with an `or`).
  // Beside another bound on its column PostgreSQL begins at that bound and steps over every entry
  // up to the cursor; there the ties of the cursor's key are a run of their own.
  const isBounded = !shape.served.single && onSort.some(({ operator }) => operator !== "isNull");
  const beyond = isBounded
    ? [[`${column} = ${cursorKey}`, afterId], [`${column} ${idOperator} ${cursorKey}`]]
    : [[`(${column}, ${columnName(plan.id, ROOT)}) ${idOperator} (${cursorKey}, ${cursorId})`]];
  const keyed = beyond.flatMap((runs) =>
    values.map((one) => ({ conditions: [...one.conditions, ...runs] })),
  );
  return descending && canBeNull ? [...keyed, { conditions: nulls }] : keyed;
}

function sourceSql(plan: Plan, region: Region): string {
  const limit = `limit ${plan.shape.bucket + 1}`;
  const values = plan.expanded.map(({ field }, at) => `${columnName(field, ROOT)} = v${at}.value`);
  const where = [...plan.conditions, ...values, ...region.conditions].join(" and ");
  const from = `from ${plan.table} ${ROOT} where ${where}`;
  const scan = `select ${ROOT}.* ${from} ${orderBy(plan, ROOT)} ${limit}`;
  if (plan.expanded.length === 0) return scan;
  // Distinct: the same value may have come in two spellings, and each would bring its rows.
  const lists = plan.expanded.map(
    ({ values }, at) => `(select distinct unnest(${values})) as v${at}(value)`,
  );
  return (
    `select x.* from ${lists.join(" cross join ")} cross join lateral (${scan}) x ` +
    `${orderBy(plan, "x")} ${limit}`
  );
}
