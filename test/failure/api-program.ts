// A process that serves the example until it is killed. Settings come from the environment; the
// address goes to standard output. It ends with the process that started it.
import { flushCompileCache } from "node:module";
import { join } from "node:path";
import { loadProject } from "../../src/app/project.ts";
import { serve } from "../../src/app/serve.ts";
import { readSettings } from "../../src/base/settings.ts";
import { Database } from "../../src/database/database.ts";
import { type Caller, type Row, Transaction } from "../../src/database/transaction.ts";
import { createLog } from "../../src/observe/log.ts";
import { Parameters, type Statement, type Value } from "../../src/sql/statement.ts";

process.stdin.on("end", () => process.exit(0)).resume();
if (process.env.PLANTED_FAULT === "event apart") writeEventsApart();
if (process.env.PLANTED_FAULT === "reply apart") storeRepliesApart();

const project = await loadProject(join(import.meta.dirname, "../../examples/work-orders"));
const settings = readSettings(process.env, "development");
const { url } = await serve({
  model: project.model,
  settings,
  databaseUrl: settings.databaseUrl ?? "",
  log: createLog("silent"),
});
process.stdout.write(`${url}\n`);
flushCompileCache(); // Otherwise written at the end of the process, and this one gets none.

/** The statements that are held back write, so their rows are texts. */
type Write = (
  this: Database,
  statement: Statement,
  caller: Caller,
  inputs: readonly Value[],
) => Promise<readonly Row[]>;
type Run = (
  this: Transaction,
  statement: Statement,
  inputs: readonly Value[],
) => Promise<readonly Row[]>;

/** Planted fault: what is done by hand, the row first and its event in a second statement. */
function writeEventsApart(): void {
  const write = Database.prototype.write as Write;
  const INSERT = /emitted as \((insert into backwright\.events .*?) from n\)/;
  const apart: Write = async function (statement, caller, inputs) {
    if (!INSERT.test(statement.text)) return write.call(this, statement, caller, inputs);
    const without = statement.text.replace(INSERT, "emitted as ($1 from n where false)");
    const rows = await write.call(this, { ...statement, text: without }, caller, inputs);
    const parameters = new Parameters();
    const tenant = parameters.claim("tenantId", "uuid");
    const record = parameters.input(0, "uuid");
    const event = parameters.statement(
      "insert into backwright.events " +
        "(id, tenant_id, type, key, sequence, fields, record, actor, request_id) " +
        `select gen_random_uuid(), ${tenant}, 'workOrders.created', id, version, '{}', ` +
        `row_to_json(w), requester_id, 'apart' from work_orders w where id = ${record}`,
    );
    await write.call(this, event, caller, [rows[0]?.[0] ?? null]);
    return rows;
  };
  Database.prototype.write = apart as typeof Database.prototype.write;
}

/** Planted fault: the reply of a transaction is stored once it has been committed. */
function storeRepliesApart(): void {
  const run = Transaction.prototype.run as Run;
  const { transaction } = Database.prototype;
  const stores: [Statement, readonly Value[]][] = [];
  const apart: Run = async function (statement, inputs) {
    if (!statement.text.startsWith("insert into backwright.idempotency")) {
      return run.call(this, statement, inputs);
    }
    stores.push([statement, inputs]);
    return [["1"]];
  };
  Transaction.prototype.run = apart as typeof Transaction.prototype.run;
  Database.prototype.transaction = async function apart(caller, work) {
    const result = await transaction.call(this, caller, work as never);
    for (const [statement, inputs] of stores.splice(0)) {
      await this.write(statement, caller, inputs);
    }
    return result as never;
  };
}
