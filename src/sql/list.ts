// List: one page in keyset order, as rows of the record's columns and sort keys. How each of its
// alternatives is read is in list-plan.ts and list-runs.ts; here they become one statement.
import type { Model } from "../model/model.ts";
import {
  type ArmPlan,
  filterCount,
  keysOf,
  type ListShape,
  orderBy,
  orderOfKeys,
  planArms,
} from "./list-plan.ts";
import { isPlain, regionsOf, runsSql, sourceSql } from "./list-runs.ts";
import { columnName } from "./names.ts";
import { type Include, ROOT } from "./read.ts";
import { type RecordSelect, recordSelect } from "./record.ts";
import { Parameters, type RecordStatement } from "./statement.ts";

/**
 * Inputs: the filters' values, then the cursor's sort keys and id where `from` is given, or the
 * offset. Rows come in reading order, which is the reverse of the page's for `before`.
 */
export function listStatement(shape: ListShape, model: Model): RecordStatement {
  const parameters = new Parameters();
  const plans = planArms(shape, model, parameters);
  const [plan] = plans;
  if (plan === undefined) throw new Error("a list has at least one arm");
  if (plans.length > 1) return unionStatement(plans, model);
  const regions = regionsOf(plan);
  const limit = `limit ${shape.bucket + 1}`;
  const record = recordSelect(shape, model, parameters);
  const { columns, binary } = withKeys(record, plan);
  const [only] = regions;
  const single = regions.length === 1 && only !== undefined && isPlain(plan, only);
  const order = orderBy(plan, ROOT);
  const isCut = shape.offsetMost !== undefined || shape.includes.some(holdsMany);
  if (single && !isCut) {
    const where = [...plan.conditions, ...only.conditions].join(" and ");
    return parameters.recordStatement(
      `select ${columns} from ${plan.table} ${ROOT}${record.joins} ` +
        `where ${where} ${order} ${limit}`,
      binary,
    );
  }
  const { queries, all } = runsSql(plan, regions, "run");
  const runs = single ? "" : `with ${queries} `;
  const source = single ? sourceSql(plan, only) : all;
  const runOrder = single ? order : order.replace("order by ", `order by ${ROOT}.page_run, `);
  if (!isCut) {
    return parameters.recordStatement(
      `${runs}select ${columns} from (${source}) ${ROOT}${record.joins} ${runOrder} ${limit}`,
      binary,
    );
  }
  // The page is cut off first, so that nothing is made or looked up of rows outside of it.
  const page = `select ${ROOT}.* from (${source}) ${ROOT} ${runOrder} ${limit}${offsetSql(plan)}`;
  return parameters.recordStatement(
    `${runs}select ${columns} from (${page}) ${ROOT}${record.joins} ${runOrder}`,
    binary,
  );
}

/**
 * Several arms: each reads its own first rows in order, so the first of all are among them. Each
 * row is kept once, after the arms have been read: leaving out in one what another finds would
 * read on without bound.
 */
function unionStatement(plans: readonly ArmPlan[], model: Model): RecordStatement {
  const [first] = plans;
  if (first === undefined) throw new Error("a list has at least one arm");
  const { shape, parameters } = first;
  const runs = plans.map((plan, at) => runsSql(plan, regionsOf(plan), `arm${at}_run`));
  const record = recordSelect(shape, model, parameters);
  const { columns, binary } = withKeys(record, first);
  const order = orderOfKeys(first);
  const keys = [...new Set(keysOf(first))].map((field) => columnName(field, ROOT));
  const offset = offsetSql(first);
  const page =
    `select distinct on (${keys.join(", ")}) ${ROOT}.* ` +
    `from (${runs.map(({ all }) => all).join(" union all ")}) ${ROOT} ` +
    `${order} limit ${shape.bucket + 1}${offset}`;
  return parameters.recordStatement(
    `with ${runs.map(({ queries }) => queries).join(", ")} ` +
      `select ${columns} from (${page}) ${ROOT}${record.joins} ${order}`,
    binary,
  );
}

function offsetSql({ shape, parameters }: ArmPlan): string {
  if (shape.offsetMost === undefined) return "";
  return ` offset ${parameters.input(filterCount(shape), "bigint")}`;
}

const holdsMany = ({ page, includes }: Include): boolean =>
  page !== undefined || includes.some(holdsMany);

/** The record's columns, and the sort keys as text for cursors. */
function withKeys(
  record: RecordSelect,
  { sorts }: ArmPlan,
): { readonly columns: string; readonly binary: readonly boolean[] } {
  const keys = sorts.map(({ field }) => `${columnName(field, ROOT)}::text`);
  const columns = [...record.columns, ...keys].join(", ");
  return { columns, binary: [...record.binary, ...keys.map(() => false)] };
}
