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

function secretsOf(role: Role, resource: Resource): readonly string[] {
  const readable = ACCESS[resource][role].read?.fields ?? [];
  const kept = ["id", ...(DECIDES[role][resource] ?? [])];
  return FIELDS[resource].filter((field) => !readable.includes(field) && !kept.includes(field));
}

/** Another value for a field of every row; `turn` tells the states of the database apart. */
function otherValue(resource: Resource, field: string, turn: number): string {
  const other = turn % 2 === 0;
  if (field === "version") return `version + ${1 + turn}`;
  if (/^(createdAt|updatedAt|reportedAt)$/.test(field))
    return "now() + random() * interval '1 day'";
  if (field === "isPublic") return `${other}`;
  if (field === "siteId") return "site_id";
  if (field === "requesterId") return `'${acme.people[other ? "manager" : "dispatcher"].id}'`;
  if (field === "assigneeId") return other ? "null" : `'${acme.people.manager.id}'`;
  if (/Id$/.test(field) && resource !== "work-orders") return column(field);
  if (field === "skillId") return other ? "null" : `'${acme.rows.skills.electric}'`;
  if (field === "heldAt") return other ? "null" : "now()";
  if (field === "isInternal" || field === "isDone") return `${other}`;
  if (field === "cost") return "default"; // Generated from two others.
  if (/^(position|stock|quantity|taken|intervalDays|value|unitCost)$/.test(field))
    return `${1 + turn}`;
  if (field === "nextDueOn") return `date '2027-01-01' + ${turn}`;
  if (field === "readAt") return "read_at + interval '1 second'";
  if (field === "latitude" || field === "longitude") return `${turn % 90}`;
  if (field === "teamId") return other ? "null" : `'${acme.rows.teams.blue}'`;
  if (field === "assetId") return other ? "null" : `'${acme.rows.assets.safe}'`;
  if (field === "categoryId") return other ? "null" : `'${acme.rows.categories.water}'`;
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
    if (resource !== "work-orders" || read === undefined) continue;
    asked.push(`${path}/aggregate?count=true`);
    for (const field of FIELDS[resource]) {
      asked.push(`${path}/aggregate?count=true&groupBy=${field}`);
      asked.push(`${path}/aggregate?count=true&filter[${field}][ne]=x`);
      for (const figure of ["min", "max", "sum", "countDistinct"]) {
        asked.push(`${path}/aggregate?${figure}=${field}`);
      }
    }
    for (const relation of RELATIONS) {
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

/** Of the right form, so that only the permission can be wrong. */
function sampleOf(field: string): string {
  if (/^id$|Id$/.test(field)) return NOBODY;
  if (field.endsWith("At")) return "2026-06-01T00:00:00Z";
  return { version: "1", isPublic: "true", status: "open", priority: "low" }[field] ?? "a";
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
    const asks: readonly (readonly [path: string, options: RequestOptions])[] = [
      ["/v1/work-orders", { body: { title: "Same", siteId: site } }],
      [`/v1/work-orders/${order}`, { method: "PATCH", body: { description: "Same" } }],
      [`/v1/work-orders/${order}`, { method: "PATCH", body: { externalId: "Same" } }],
      [`/v1/assets/${acme.rows.assets.pump}`, { method: "PATCH", body: { serialNumber: "Same" } }],
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
    // What it may read of its own writes goes on: their moments and versions.
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
