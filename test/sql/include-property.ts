// Included records as fast-check asks for them: random depots, vehicles, drivers and licences, read
// by random roles. The judge is SQL of its own for each record and relation, one at a time, with
// the roles' policies written down a second time; it shares no code with the product.
import fc from "fast-check";
import { newId } from "../../src/base/ids.ts";
import type { Person, TestBackend } from "../support/backend.ts";

const place = (most: number) => fc.nat({ max: most });
const world = fc.record({
  depots: fc.integer({ min: 1, max: 3 }),
  vehicles: fc.array(
    fc.record({
      depot: fc.option(place(2), { freq: 4 }),
      isPublic: fc.boolean(),
      isDeleted: fc.constantFrom(false, false, false, true),
    }),
    { maxLength: 30, size: "max" },
  ),
  drivers: fc.integer({ min: 1, max: 5 }),
  licences: fc.array(fc.tuple(place(29), place(4)), { maxLength: 60, size: "max" }),
});

type Role = "manager" | "guest" | "driver";
type Table = "depots" | "vehicles" | "drivers";

const scenario = fc.record({
  world,
  role: fc.constantFrom<Role>("manager", "guest", "driver"),
  size: fc.integer({ min: 1, max: 7 }),
  first: fc.integer({ min: 1, max: 9 }),
});

/** What a role sees of a table, under the alias `t`; `me` is the driver's id. */
const licensed = (vehicle: string, me: string): string =>
  `exists (select from licences l where l.organization_id = t.organization_id
     and l.vehicle_id = ${vehicle} and l.driver_id = '${me}')`;
function seen(table: Table, role: Role, me: string): string {
  const living = table === "vehicles" ? "t.deleted_at is null" : "true";
  if (role === "manager") return living;
  if (role === "guest") return table === "vehicles" ? `${living} and t.is_public` : living;
  switch (table) {
    case "vehicles":
      return `${living} and ${licensed("t.id", me)}`;
    case "depots":
      return `exists (select from vehicles v where v.organization_id = t.organization_id
        and v.depot_id = t.id and v.deleted_at is null and ${licensed("v.id", me)})`;
    case "drivers":
      return `not exists (select from licences l join vehicles v
        on v.organization_id = l.organization_id and v.id = l.vehicle_id
        where l.organization_id = t.organization_id and l.driver_id = t.id
        and v.is_public and v.deleted_at is null)`;
  }
}

/** The rows of one relation of one record. */
const RELATION: Readonly<Record<string, { readonly to: Table; readonly joins: string }>> = {
  "depots.vehicles": { to: "vehicles", joins: "t.depot_id = $2" },
  "vehicles.depot": {
    to: "depots",
    joins: "t.id = (select depot_id from vehicles where organization_id = $1 and id = $2)",
  },
  "vehicles.drivers": {
    to: "drivers",
    joins:
      "t.id in (select driver_id from licences where organization_id = $1 and vehicle_id = $2)",
  },
};

const QUESTIONS: readonly (readonly [Table, string])[] = [
  ["depots", "vehicles"],
  ["depots", "vehicles.depot"],
  ["vehicles", "depot.vehicles"],
  ["vehicles", "drivers,depot"],
  ["vehicles", "drivers,depot.vehicles"],
];

interface Json {
  readonly id: string;
  readonly [relation: string]: unknown;
}
interface Included {
  readonly data: readonly Json[];
  readonly meta: { readonly pagination: { next: string | null; hasMore: boolean } };
}

export function includesAreWhatSqlSays(backend: TestBackend) {
  return fc.asyncProperty(scenario, async ({ world: given, role, size, first }) => {
    const { tenantId, driver } = await fill(backend, given);
    const key = await backend.person(tenantId, role, driver);
    const judge = new Judge(backend, key, role, size);
    for (const [table, include] of QUESTIONS) {
      const paths = include.split(",").flatMap((path) => prefixes(path));
      const sizes = paths
        .filter((path) => /(^|\.)(vehicles|drivers)$/.test(path))
        .map((path) => `&page[${path}][size]=${size}`);
      const query = `include=${include}${sizes.join("")}&page[size]=${first}&sort=-id`;
      const page = await judge.read(`/v1/${table}?${query}`);
      const rows = await judge.rows(table, "true", undefined);
      same(`${table} of ${query}`, ids(page.data), rows.slice(0, first));
      for (const record of page.data) await judge.check(table, record, paths, true);
    }
  });
}

const prefixes = (path: string): string[] =>
  path.split(".").map((_, at, steps) => steps.slice(0, at + 1).join("."));
const ids = (list: readonly Json[]): string[] => list.map(({ id }) => id);

function same(what: string, got: readonly string[], due: readonly string[]): void {
  if (got.join() !== due.join()) throw new Error(`${what}: ${got.join()} instead of ${due.join()}`);
}

class Judge {
  readonly #backend: TestBackend;
  readonly #person: Person;
  readonly #role: Role;
  readonly #size: number;

  constructor(backend: TestBackend, person: Person, role: Role, size: number) {
    this.#backend = backend;
    this.#person = person;
    this.#role = role;
    this.#size = size;
  }

  async read(path: string): Promise<{ readonly data: readonly Json[] }> {
    const { status, text, json } = await this.#backend.request(path, { key: this.#person.key });
    if (status !== 200) throw new Error(`${path}: ${text}`);
    return json;
  }

  /** Ids, newest first. */
  async rows(table: Table, joins: string, parent: string | undefined): Promise<string[]> {
    const values = parent === undefined ? [] : [parent];
    const found = await this.#backend.owner.query<{ id: string }>(
      `select t.id::text from ${table} t where t.organization_id = $1 and ${joins}
         and ${seen(table, this.#role, this.#person.id)} order by t.id desc`,
      [this.#person.tenantId, ...values],
    );
    return found.map(({ id }) => id);
  }

  /** One record's includes, those within them too, and where the outermost go on. */
  async check(table: Table, record: Json, paths: readonly string[], isRoot: boolean) {
    for (const name of new Set(paths.map((path) => path.split(".")[0] ?? ""))) {
      const relation = RELATION[`${table}.${name}`];
      if (relation === undefined) throw new Error(`no relation ${table}.${name}`);
      const due = await this.rows(relation.to, relation.joins, record.id);
      const inner = paths
        .filter((path) => path.startsWith(`${name}.`))
        .map((path) => path.slice(name.length + 1));
      const about = `${table} ${record.id} ${name}`;
      if (name === "depot") {
        const one = record[name] as Json | null;
        same(about, one === null ? [] : [one.id], due);
        if (one !== null) await this.check(relation.to, one, inner, false);
        continue;
      }
      const included = record[name] as Included;
      same(about, ids(included.data), due.slice(0, this.#size));
      const { hasMore, next } = included.meta.pagination;
      if (hasMore !== due.length > this.#size) throw new Error(`${about}: hasMore is ${hasMore}`);
      if ((next !== null) !== hasMore) throw new Error(`${about}: hasMore and next disagree`);
      for (const one of included.data) await this.check(relation.to, one, inner, false);
      if (isRoot || next !== null) await this.#walkOn(table, record.id, name, included, due);
    }
  }

  async #walkOn(table: Table, id: string, name: string, start: Included, due: readonly string[]) {
    const met = ids(start.data);
    for (let { next } = start.meta.pagination; next !== null; ) {
      const page = `page[${name}][size]=${this.#size}&page[${name}][after]=${next}`;
      const reply = await this.read(`/v1/${table}/${id}?include=${name}&${page}`);
      const on = (reply.data as unknown as Json)[name] as Included;
      met.push(...ids(on.data));
      next = on.meta.pagination.next;
      if (met.length > due.length) break;
    }
    same(`${table} ${id} ${name} to its end`, met, due);
  }
}

async function fill(
  backend: TestBackend,
  { depots, vehicles, drivers, licences }: typeof world extends fc.Arbitrary<infer W> ? W : never,
): Promise<{ readonly tenantId: string; readonly driver: string }> {
  const tenantId = await backend.tenant("Includes");
  const depotIds = Array.from({ length: depots }, () => newId());
  const driverIds = Array.from({ length: drivers }, () => newId());
  const rows = vehicles.map(({ depot, isPublic, isDeleted }) => {
    return {
      id: newId(),
      depot: depot === null ? null : depotIds[depot % depots],
      isPublic,
      isDeleted,
    };
  });
  const pairs = rows.length === 0 ? [] : licences;
  const allowed = pairs.map(([vehicle, driver]) => ({
    vehicle: rows[vehicle % rows.length]?.id,
    driver: driverIds[driver % drivers],
  }));
  const { owner } = backend;
  await owner.query(
    "insert into depots (organization_id, id, name) select $1, unnest($2::uuid[]), 'depot'",
    [tenantId, depotIds],
  );
  await owner.query(
    "insert into drivers (organization_id, id, name) select $1, unnest($2::uuid[]), 'driver'",
    [tenantId, driverIds],
  );
  await owner.query(
    `insert into vehicles (organization_id, id, depot_id, name, is_public, deleted_at)
     select $1, id, depot, 'vehicle', "isPublic", case when "isDeleted" then now() end
     from json_to_recordset($2::json)
       as v(id uuid, depot uuid, "isPublic" boolean, "isDeleted" boolean)`,
    [tenantId, JSON.stringify(rows)],
  );
  await owner.query(
    `insert into licences (organization_id, vehicle_id, driver_id)
     select distinct $1::uuid, vehicle, driver from json_to_recordset($2::json)
       as l(vehicle uuid, driver uuid)`,
    [tenantId, JSON.stringify(allowed)],
  );
  return { tenantId, driver: driverIds[0] ?? "" };
}
