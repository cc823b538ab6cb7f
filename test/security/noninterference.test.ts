// Check 44: what a role may not read cannot reach it by any way. Two states of the database that
// differ in unreadable fields alone must give the role the same bytes, whatever it asks: records,
// lists, counts, cursors, ETags, refusals, replies of writes. So no oracle, however many questions
// it takes, learns a bit. That such fields are refused by name where one names them is in
// access-fields.test.ts.
//
// Planted, each red before it was taken out again:
// - the version in the ETag of whoever asks -> ETags of viewer and requester
// - the stamp of a list made of versions that its reader may not read -> ETags of lists
// - the reply of a write with every field (readFields of sharedShape) -> writes
// - a search tested by fields that its reader may not read -> the searches of the viewer
// - filters looked up among the resource's fields -> counts and lists
// - records of relations to many with every field -> lists with includes (and every contract)
// - a filter that is not allowed skipped instead of refused -> nothing here, but access-fields
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { expectRefusal } from "../fixtures/refusals.ts";
import { inBatches } from "../fixtures/twin-requests.ts";
import { ACCESS, FIELDS, INCLUDES, RELATIONS } from "../fixtures/work-orders-access.ts";
import {
  createOrganization,
  type Organization,
  RESOURCES,
  type Resource,
  ROLES,
  type Role,
  TABLES,
} from "../fixtures/work-orders-world.ts";
import {
  type Reply,
  type RequestOptions,
  startTestBackend,
  type TestBackend,
} from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
beforeAll(async () => {
  backend = await startTestBackend("noninterference");
  acme = await createOrganization(backend, "Acme");
});
afterAll(() => backend?.close());

const column = (field: string): string => field.replace(/[A-Z]/g, (x) => `_${x.toLowerCase()}`);

/** Fields by which rows come into a role's sight: another value there may well be noticed. */
const DECIDES: Readonly<Record<Role, Partial<Record<Resource, readonly string[]>>>> = {
  manager: {},
  dispatcher: {},
  technician: {},
  requester: { comments: ["isInternal"] },
  viewer: { sites: ["isPublic"] },
};
/** PostgreSQL computes it of two others. */
const COMPUTED = "cost";

function secretsOf(role: Role, resource: Resource): readonly string[] {
  const readable = ACCESS[resource][role].read?.fields ?? [];
  const kept = ["id", COMPUTED, ...(DECIDES[role][resource] ?? [])];
  return FIELDS[resource].filter((field) => !readable.includes(field) && !kept.includes(field));
}

/** What a reference points to in either state; SQL, so that a column stays where it has to. */
function otherTarget(resource: Resource, field: string): readonly [string, string] | undefined {
  const { people, rows } = acme;
  const sql = (one: string | undefined, other: string | undefined): readonly [string, string] => [
    one === undefined ? "null" : `'${one}'`,
    `'${other}'`,
  ];
  const isOrder = resource === "work-orders";
  const { pump, safe } = rows.assets;
  // Half of a pair that is unique: the other half changes.
  const stays = { "user-skills": "skillId", "parts-used": "workOrderId" } as const;
  if (Object.entries(stays).some(([of, name]) => of === resource && name === field)) {
    return [column(field), column(field)];
  }
  const targets: Readonly<Record<string, readonly [string, string]>> = {
    requesterId: sql(people.manager.id, people.dispatcher.id),
    authorId: sql(people.manager.id, people.dispatcher.id),
    readerId: sql(people.manager.id, people.dispatcher.id),
    userId: sql(people.manager.id, people.dispatcher.id),
    assigneeId: sql(undefined, people.manager.id),
    teamId: sql(undefined, rows.teams.blue),
    siteId: sql(rows.sites.yard, rows.sites.vault),
    assetId: sql(isOrder ? undefined : pump, safe),
    parentId: ["null", `case when id = '${safe}' then null else '${safe}'::uuid end`],
    categoryId: sql(undefined, rows.categories.water),
    skillId: sql(undefined, rows.skills.electric),
    workOrderId: sql(rows["work-orders"].leak, rows["work-orders"].door),
    partId: sql(rows.parts.seal, rows.parts.bolt),
    meterId: ["meter_id", "meter_id"], // There is one.
  };
  return targets[field];
}

const NUMBERS: readonly string[] = [
  "latitude",
  "longitude",
  "position",
  "stock",
  "unitCost",
  "quantity",
  "taken",
  "value",
  "intervalDays",
];
const MOMENTS: readonly string[] = ["createdAt", "updatedAt", "reportedAt", "readAt"];
const FLAGS: readonly string[] = ["isPublic", "isInternal", "isDone"];

/** Another value for a field of every row; `turn` tells the states of the database apart. */
function otherValue(resource: Resource, field: string, turn: number): string {
  const other = turn % 2 === 0;
  const target = otherTarget(resource, field);
  if (target !== undefined) return target[other ? 0 : 1];
  if (field === "version") return `version + ${1 + turn}`;
  if (MOMENTS.includes(field)) return "now() + random() * interval '1 day'";
  if (field === "heldAt") return other ? "null" : "now()";
  if (field === "nextDueOn") return `'2027-0${1 + turn}-01'`;
  if (FLAGS.includes(field)) return `${other}`;
  if (NUMBERS.includes(field)) return `${10 + turn}`;
  const isUnique = resource === "users" || ["externalId", "name", "sku"].includes(field);
  if (isUnique) return `'${turn}-' || gen_random_uuid() || '@example.org'`;
  return other ? `'secret ${turn}'` : `'another secret, longer than the first, ${turn}'`;
}

/** Everything that the role is not to know takes another value. */
async function changeSecrets(role: Role, turn: number): Promise<number> {
  let changed = 0;
  for (const resource of RESOURCES) {
    const secrets = secretsOf(role, resource);
    if (secrets.length === 0) continue;
    const values = secrets.map(
      (field) => `${column(field)} = ${otherValue(resource, field, turn)}`,
    );
    await backend.owner.query(`update ${TABLES[resource]} set ${values.join(", ")}`);
    changed += secrets.length;
  }
  return changed;
}

/** What a role may ask, and what it may not. */
function questions(role: Role): readonly string[] {
  const asked: string[] = [];
  for (const resource of RESOURCES) {
    const path = `/v1/${resource}`;
    const { read } = ACCESS[resource][role];
    asked.push(path, `${path}?page[size]=1`, `${path}?page[count]=exact`, `${path}?q=secret`);
    for (const id of [...Object.values(acme.rows[resource]), NOBODY]) asked.push(`${path}/${id}`);
    for (const field of FIELDS[resource]) {
      for (const direction of ["", "-"]) asked.push(`${path}?sort=${direction}${field}`);
      const value = sampleOf(field);
      asked.push(`${path}?filter[${field}][gt]=${value}&page[count]=exact`);
      asked.push(`${path}?filter[status]=open&filter[${field}]=${value}`);
      asked.push(`${path}?filter[or][0][${field}]=a&filter[or][1][status]=open&page[count]=exact`);
      asked.push(`${path}?filter[${field}][isNull]=true&page[count]=estimated`);
      asked.push(`${path}?filter[${field}][contains]=longer&page[count]=exact`);
      asked.push(`${path}?filter[status]=open&filter[${field}][ilike]=%25LONGER%25`);
      asked.push(`${path}?fields=${field}`);
    }
    for (const q of ["longer", "leak", "leak -longer", "leak or longer"]) {
      asked.push(`${path}?q=${encodeURIComponent(q)}&highlight=true&page[count]=exact`);
    }
    if (read === undefined) continue;
    for (const relation of LEADS[resource] ?? []) asked.push(`${path}?include=${relation}`);
    if (!FIGURED.includes(resource)) continue;
    asked.push(`${path}/aggregate?count=true`);
    for (const field of FIELDS[resource]) {
      asked.push(`${path}/aggregate?count=true&groupBy=${field}`);
      asked.push(`${path}/aggregate?count=true&filter[${field}][ne]=x`);
      for (const figure of ["min", "max", "sum", "countDistinct"]) {
        asked.push(`${path}/aggregate?${figure}=${field}`);
      }
    }
    for (const relation of resource === "work-orders" ? RELATIONS : []) {
      asked.push(`${path}?include=${relation}`, `${path}?include=${relation}&sort=-dueAt`);
      for (const field of [...(INCLUDES[role][relation] ?? []), "email", "isPublic", "version"]) {
        const related = `filter[status]=open&filter[${relation}.${field}]`;
        asked.push(`${path}?${related}[ne]=x&page[count]=exact`, `${path}?${related}[isNull]=true`);
      }
    }
  }
  return asked;
}

const NOBODY = randomUUID();
const FIGURED: readonly Resource[] = ["work-orders", "parts-used", "meter-readings"];

/** Relations beside those to one of a work order. */
const LEADS: Partial<Record<Resource, readonly string[]>> = {
  "work-orders": ["comments", "checklist", "parts", "asset.workOrders", "asset.schedules"],
  assets: ["site", "parent", "children", "meters", "schedules", "workOrders"],
  users: ["skills"],
  teams: ["members"],
  "user-skills": ["user", "skill"],
  comments: ["workOrder", "author"],
  "checklist-items": ["workOrder"],
  "parts-used": ["workOrder", "part"],
  meters: ["asset", "readings"],
  "meter-readings": ["meter", "reader"],
  schedules: ["asset"],
};

/** Of the right form, so that only the permission can be wrong. */
function sampleOf(field: string): string {
  if (/^id$|Id$/.test(field)) return NOBODY;
  if (field.endsWith("At")) return "2026-06-01T00:00:00Z";
  if (FLAGS.includes(field)) return "true";
  if (NUMBERS.includes(field) || field === COMPUTED) return "1";
  if (field === "nextDueOn") return "2026-06-01";
  return { version: "1", number: "1", status: "open", priority: "low" }[field] ?? "a";
}

/** A reply as its reader has it, but for what differs between two equal requests. */
async function answer(role: Role, path: string, options: RequestOptions = {}): Promise<string> {
  const { key } = acme.people[role];
  const { status, headers, text } = await backend.request(path, { key, ...options });
  const kept = [...headers].filter(([name]) => !["date", "x-request-id"].includes(name));
  const body = text.replace(/"requestId":"[^"]*"/, "");
  const isSealed = SEALED_FOR[role]?.some((sealed) => path.startsWith(`/v1/${sealed}/`)) === true;
  const shown = kept.filter(([name]) => !isSealed || name !== "etag");
  return `${path} ${status} ${JSON.stringify(shown)} ${body}`;
}

/** Where a role changes records whose version it may not read, its ETag tells that they changed. */
const SEALED_FOR: Partial<Record<Role, readonly Resource[]>> = { technician: ["users"] };
const TAG = /\["(etag|content-length)","[^\]]*\]/g;

describe.each(ROLES.filter((role) => role !== "manager"))("for a %s", (role) => {
  // To an earlier role it was a secret; by it rows come into the viewer's sight.
  beforeEach(async () => {
    const { yard } = acme.rows.sites;
    await backend.owner.query("update sites set is_public = (id = $1)", [yard]);
  });

  test("every answer is the same, whatever its unreadable fields hold", async () => {
    const asked = questions(role);
    const all = (): Promise<string[]> => inBatches(asked, 40, (path) => answer(role, path));
    expect(await changeSecrets(role, 0)).toBeGreaterThan(0);
    const first = await all();
    expect(first.filter((text) => text.includes(" 200 ")).length).toBeGreaterThan(10);
    await changeSecrets(role, 1);
    const second = await all();
    expect(second.filter((text, at) => text !== first[at])).toEqual([]);
  });

  test("so are the replies of its writes", async () => {
    const order = acme.rows["work-orders"].leak ?? "";
    const site = acme.rows.sites.yard;
    const { id } = acme.people[role];
    const { leakTechnician, leakRequester, doorManager = "" } = acme.rows.comments;
    const own = { technician: leakTechnician, requester: leakRequester }[role as string];
    const asks: readonly (readonly [path: string, options: RequestOptions])[] = [
      ["/v1/work-orders", { body: { title: "Same", siteId: site } }],
      [`/v1/work-orders/${order}`, { method: "PATCH", body: { description: "Same" } }],
      [`/v1/work-orders/${order}`, { method: "PATCH", body: { externalId: "Same" } }],
      [`/v1/assets/${acme.rows.assets.pump}`, { method: "PATCH", body: { serialNumber: "Same" } }],
      ["/v1/comments", { body: { workOrderId: order, body: "Same" } }],
      [`/v1/comments/${own ?? doorManager}`, { method: "PATCH", body: { body: "Same" } }],
      [`/v1/users/${id}`, { method: "PATCH", body: { phone: "1" } }],
      [`/v1/users/${acme.people.viewer.id}`, { method: "PATCH", body: { phone: "1" } }],
    ];
    const all = async (): Promise<string[]> => {
      const said: string[] = [];
      for (const [path, options] of asks) said.push(await answer(role, path, options));
      return said.map((text) => text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "an id"));
    };
    await all(); // What these writes leave behind is there for both.
    await changeSecrets(role, 0);
    const first = await all();
    await changeSecrets(role, 1);
    const second = await all();
    // What it may read of its own writes goes on: their moments, versions and numbers.
    const steady = (text: string): string =>
      text
        .replace(/"(version|number|createdAt|updatedAt|reportedAt)":("[^"]*"|\d+)/g, "")
        .replace(TAG, "");
    expect(second.map(steady)).toEqual(first.map(steady));
  });
});

describe("an ETag", () => {
  const get = (role: Role, path: string): Promise<Reply> =>
    backend.request(path, { key: acme.people[role].key });

  test("shows the version to those alone who may read it", async () => {
    const path = `/v1/work-orders/${acme.rows["work-orders"].leak}`;
    await backend.owner.query("update sites set is_public = true");
    expect((await get("manager", path)).headers.get("etag")).toMatch(/^"\d+-/);
    expect((await get("viewer", path)).headers.get("etag")).toMatch(/^W\/"[\w-]{27}"$/);
  });

  test("sealed, serves If-Match of who changes what it may not read the version of", async () => {
    const path = `/v1/users/${acme.people.technician.id}`;
    const { key } = acme.people.technician;
    const patch = (etag: string): Promise<Reply> =>
      backend.request(path, {
        method: "PATCH",
        key,
        body: { phone: `${Math.random()}` },
        headers: { "if-match": etag },
      });
    const first = (await get("technician", path)).headers.get("etag") ?? "";
    expect(first).toMatch(/^"~[\w-]{22}-/);
    expect((await get("technician", path)).headers.get("etag")).toBe(first);
    const changed = await patch(first);
    expect(changed.status, changed.text).toBe(200);
    const next = changed.headers.get("etag") ?? "";
    expect(next).not.toBe(first);
    expectRefusal(await patch(first), 412, "VERSION_CONFLICT");
    // Nor can it be guessed, made of a number or taken from another record.
    const [row] = await backend.owner.query<{ version: number }>(
      "select version from users where id = $1",
      [acme.people.technician.id],
    );
    expectRefusal(await patch(`"${row?.version}-x"`), 412, "VERSION_CONFLICT");
    expectRefusal(await patch(`"~${"A".repeat(22)}-x"`), 412, "VERSION_CONFLICT");
    // Planted: the mark of the record not compared -> red.
    await backend.owner.query("update users set version = $1 where id = $2", [
      row?.version,
      acme.people.viewer.id,
    ]);
    const other = await get("technician", `/v1/users/${acme.people.viewer.id}`);
    expectRefusal(await patch(other.headers.get("etag") ?? ""), 412, "VERSION_CONFLICT");
    expect((await patch(next)).status).toBe(200);
  });

  test("is not got round by a version in the body of a bulk request", async () => {
    const records = [{ id: acme.people.technician.id, version: 1, phone: "1" }];
    const { key } = acme.people.technician;
    const reply = await backend.request("/v1/users/bulk-update", { key, body: { records } });
    expect(JSON.stringify(reply.json), reply.text).toContain("is not a field that you may read");
  });
});
