// What PostgreSQL really does for a statement of the product: EXPLAIN ANALYZE as the app role,
// behind the wall of a tenant, with the generic plan that the product asks for.
import type { Session } from "../../src/database/session.ts";
import { quoteLiteral } from "../../src/sql/quote.ts";
import { bind, type Statement, type Value } from "../../src/sql/statement.ts";

export interface Execution {
  readonly statement: Statement;
  readonly claims: Readonly<Record<string, Value>>;
  readonly inputs: readonly Value[];
}

export interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
  readonly Plans?: readonly PlanNode[];
}

export interface Measured {
  readonly returned: number;
  /** Rows that the scans of tables looked at, kept or not. */
  readonly read: number;
  /** Pages looked at: rows that an index itself skips are counted by nothing else. */
  readonly pages: number;
  /** Rows that went into the largest sort. */
  readonly sorted: number;
  /** Nodes that read a whole table, or collect row addresses before they read. */
  readonly wholeScans: readonly string[];
  /** Index scans of all loops. */
  readonly scans: number;
  readonly indexes: readonly string[];
  readonly plan: PlanNode;
}

/** Prepares a session of the app role as the product's own connections are. */
export async function prepareToExplain(app: Session): Promise<void> {
  await app.query("set plan_cache_mode = force_generic_plan; set timezone = 'UTC'");
}

/** Executes the statement and measures it. The session must be prepareToExplain's. */
export async function explain(app: Session, execution: Execution): Promise<Measured> {
  const { statement, claims, inputs } = execution;
  const values = bind(statement, claims, inputs).map((value) =>
    value === null ? "null" : quoteLiteral(value),
  );
  const call = values.length === 0 ? "explained" : `explained(${values.join(", ")})`;
  const tenant = quoteLiteral(claims.tenantId ?? "");
  // One message, so one implicit transaction: the setting ends with it, as the product's does.
  const [row] = await app.query<{ "QUERY PLAN": readonly [{ readonly Plan: PlanNode }] }>(
    `deallocate all; prepare explained as ${statement.text};
     select set_config('backwright.tenant_id', ${tenant}, true);
     explain (analyze, format json, timing off, buffers) execute ${call}`,
  );
  const plan = row?.["QUERY PLAN"][0].Plan;
  if (plan === undefined) throw new Error("EXPLAIN returned no plan");
  return measure(plan);
}

/** The same for a statement that writes, and undoes what it wrote. */
export async function explainAndUndo(app: Session, execution: Execution): Promise<Measured> {
  await app.query("begin");
  try {
    return await explain(app, execution);
  } finally {
    await app.query("rollback");
  }
}

function measure(plan: PlanNode): Measured {
  const nodes = [...walk(plan)];
  const tables = nodes.filter((node) => node["Relation Name"] !== undefined);
  const seen = (node: PlanNode): number =>
    node["Actual Loops"] *
    (node["Actual Rows"] +
      (node["Rows Removed by Filter"] ?? 0) +
      (node["Rows Removed by Index Recheck"] ?? 0));
  const inputsOf = (node: PlanNode): number =>
    (node.Plans ?? []).reduce((sum, child) => sum + child["Actual Rows"], 0);
  const sorts = nodes.filter((node) => node["Node Type"].endsWith("Sort"));
  const whole = nodes.filter((node) => /^Seq Scan|^Bitmap|^Materialize/.test(node["Node Type"]));
  return {
    returned: plan["Actual Rows"] * plan["Actual Loops"],
    read: Math.round(tables.reduce((sum, node) => sum + seen(node), 0)),
    pages: plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
    sorted: Math.round(Math.max(0, ...sorts.map(inputsOf))),
    wholeScans: whole.map((node) => `${node["Node Type"]} ${node["Relation Name"] ?? ""}`),
    scans: tables.reduce((sum, node) => sum + node["Actual Loops"], 0),
    indexes: [...new Set(nodes.flatMap((node) => node["Index Name"] ?? []))],
    plan,
  };
}

function* walk(node: PlanNode): Generator<PlanNode> {
  yield node;
  for (const child of node.Plans ?? []) yield* walk(child);
}
