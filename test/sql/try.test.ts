import { test } from "vitest";
import { openSession } from "../../src/database/session.ts";
import { BackwrightError } from "../../src/base/errors.ts";
import { startTestBackend } from "../support/backend.ts";
import { loadLargeData } from "../support/large-data.ts";
import { captureList, type Place } from "./captured.ts";
import { explain, prepareToExplain } from "./explain.ts";
import { OPERATORS } from "../../src/model/model.ts";
import { columnName } from "../../src/sql/names.ts";
import { newId } from "../../src/base/ids.ts";
test("x", {timeout: 300000}, async () => {
  const b = await startTestBackend("try");
  const admin = await openSession(b.database.adminUrl);
  const d = await loadLargeData(admin);
  const app = await openSession(b.database.appUrl);
  await prepareToExplain(app);
  const tenantId = d.organizations[0]!;
  const actor = await b.authenticator.actorFor({ tenantId, role: "manager", id: newId(), credential: newId() });
  let accepted = 0, refused = 0, runs = 0;
  const bad = new Map<string, string>();
  const t0 = performance.now();
  for (const resource of b.project.model.resources.values()) {
    const fields = resource.served.filter((f) => f.type?.comparable);
    const vals = new Map<string, string[]>();
    const places = new Map<string, {key: string|null, id: string}[]>();
    for (const f of fields) {
      const json = f.type!.json(columnName(f));
      const rows = await admin.query<{ v: string }>(`select (${json})::text v from ${resource.table.sqlName} where organization_id = $1 and ${columnName(f)} is not null group by 1 order by count(*) desc, 1 limit 20`, [tenantId]);
      const [least] = await admin.query<{ v: string }>(`select (${json})::text v from ${resource.table.sqlName} where organization_id = $1 and ${columnName(f)} is not null group by 1 order by count(*) , 1 limit 1`, [tenantId]);
      const vv = rows.map(r => r.v); if (least) vv.push(least.v);
      vals.set(f.name, vv);
      const at = [];
      const [m] = await admin.query<{ key: string, id: string }>(`select ${columnName(f)}::text as key, id::text from ${resource.table.sqlName} where organization_id = $1 and ${columnName(f)} is not null order by ${columnName(f)}, id offset (select count(*)/2 from ${resource.table.sqlName} where organization_id = $1 and ${columnName(f)} is not null) limit 1`, [tenantId]);
      if (m) at.push(m);
      if (f.nullable) { const [m] = await admin.query<{ id: string }>(`select id::text from ${resource.table.sqlName} where organization_id = $1 and ${columnName(f)} is null order by id offset 100 limit 1`, [tenantId]); if (m) at.push({ key: null, id: m.id }); }
      places.set(f.name, at);
    }
    const none: Record<string, string> = { uuid: newId(), text: "nothing", timestamptz: "2026-06-01T08:00:00.000002Z", integer: "77", boolean: "false" };
    const sorts = [undefined, ...fields.flatMap(f => [f.name, `-${f.name}`])];
    for (const f of fields) for (const op of [...OPERATORS.filter(o => o !== "isNull"), "isNull true", "isNull false"]) for (const sort of sorts) {
      const [operator, flag] = op.split(" ") as [string, string | undefined];
      const v = vals.get(f.name)!;
      const n = f.values ? [] : [none[f.type!.sql]!];
      const values = flag ? [flag] : operator === "in" ? [v.slice(0, 20).join(), v.slice(-2).join(), ...n] : [v[0]!, v.at(-1)!, ...n].filter(x => x !== undefined);
      let first = true;
      for (const value of new Set(values)) {
        const q = { filters: [{ field: f.name, operator, value }], sort };
        const name = `${resource.name} ${f.name} ${op} sort ${sort} value ${value.slice(0, 60)}`;
        let ex;
        try { ex = await captureList(b.context, actor, resource, q); } catch (e) { if (!(e instanceof BackwrightError)) throw e; if (first && e.code !== "PARAMETER_INVALID") bad.set(name, e.code);  if (first) refused++; break; }
        if (first) accepted++;
        first = false;
        const sf = sort?.replace("-", "") ?? /order by (?:.*w."(\w+)") /.exec(ex.statement.text)?.[1];
        const key = sort?.replace("-", "") ?? "id";
        const cs: (Place | undefined)[] = [undefined];
        for (const p of sort === undefined ? [] : places.get(key)!) if (key !== f.name || (p.key === null) === (op === "isNull true")) cs.push({ ...p, before: false }, { ...p, before: true });
        for (const c of cs) {
          const e = await captureList(b.context, actor, resource, q, c);
          const m = await explain(app, e);
          runs++;
          const bound = 20 * Math.max(m.returned, 1);
          const p = `${m.read}/${m.returned} pages ${m.pages} scans ${m.scans} sorted ${m.sorted} ${m.wholeScans.join()} ${m.indexes.join()}`;
          if (m.read > bound || m.wholeScans.length || m.pages > 5 * m.scans + 1.5 * m.read + 10) bad.set(`${name} at ${JSON.stringify(c)}`, p + "\n" + e.statement.text.slice(e.statement.text.indexOf("from")));
          if (m.sorted > 26*100) bad.set(`SORT ${name} at ${JSON.stringify(c)}`, p);
        }
      }
    }
  }
  console.log({ accepted, refused, runs, ms: performance.now() - t0, bad: bad.size });
  let i = 0;
  for (const [k, v] of bad) if (i++ < 40) console.log(k, "=>", v);
  await app.close(); await admin.close(); await b.close();
});
