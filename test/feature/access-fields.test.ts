// Unreadable means unusable: a field that a role may not read cannot be filtered, sorted, selected
// or followed by it, and no refusal names or tells what it could not. Never ignored: always 400.
// Judged by the table written by hand in test/fixtures/work-orders-access.ts.
//
// Planted faults, each red before it was taken out again:
// - filters looked up among the resource's fields instead of the grant's -> filter rows
// - sorts looked up likewise -> sort rows
// - fields= picks from the resource's fields -> fields rows
// - an unknown include skipped instead of refused -> include rows
// - an include allowed without read access to its key -> include rows of requester and viewer
// - included rows not masked by the target's grant -> the fields of included records
// - a related filter that asks the target's fields, not the role's of them -> related records
// - a related filter through a relation whose key is unreadable -> related records
// - the allowed names of a message taken from the resource -> what messages tell
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ACCESS, FIELDS, INCLUDES, NO_FIELDS, RELATIONS } from "../fixtures/work-orders-access.ts";
import {
  createOrganization,
  type Organization,
  RESOURCES,
  type Resource,
  ROLES,
  type Role,
} from "../fixtures/work-orders-world.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
beforeAll(async () => {
  backend = await startTestBackend("fields");
  acme = await createOrganization(backend, "Acme");
});
afterAll(() => backend?.close());

const get = (role: Role, path: string): Promise<Reply> =>
  backend.request(path, { key: acme.people[role].key });

/** A value of the right form, so that only the permission can be wrong. */
function sample(field: string): string {
  if (/^is[A-Z]/.test(field)) return "true";
  if (/^(version|number|position|stock|quantity|taken|intervalDays|value|l.*tude)$/.test(field)) {
    return "1";
  }
  if (/On$/.test(field)) return "2026-01-01";
  if (field === "status") return "open";
  if (field === "priority") return "high";
  if (/Id$|^id$/.test(field)) return acme.people.technician.id;
  if (/At$/.test(field)) return "2026-01-01T00:00:00Z";
  return "P-1";
}

const readers = RESOURCES.flatMap((resource) =>
  ROLES.flatMap((role) => {
    const { read } = ACCESS[resource][role];
    if (read === undefined) return [];
    const hidden = FIELDS[resource].filter((field) => !read.fields.includes(field));
    return [{ resource, role, readable: read.fields, unreadable: [...hidden, ...NO_FIELDS] }];
  }),
);

describe.each(readers)("$role on $resource", ({ resource, role, readable, unreadable }) => {
  test("an unreadable or unknown field is refused in filter, sort and fields", async () => {
    for (const field of unreadable) {
      const value = encodeURIComponent(sample(field));
      const asks: readonly (readonly [query: string, parameter: string])[] = [
        [`filter[${field}]=${value}`, `filter[${field}]`],
        [`filter[${field}][in]=${value}`, `filter[${field}][in]`],
        [`filter[${field}][ne]=${value}`, `filter[${field}][ne]`],
        [`filter[${field}][gt]=${value}`, `filter[${field}][gt]`],
        [`filter[${field}][isNull]=true`, `filter[${field}][isNull]`],
        [`filter[id]=${acme.tenantId}&filter[${field}]=${value}`, `filter[${field}]`],
        [`sort=${field}`, "sort"],
        [`sort=-${field}`, "sort"],
        [`filter[id]=${acme.tenantId}&sort=${field}`, "sort"],
        [`fields=${field}`, "fields"],
        [`fields=id,${field}`, "fields"],
      ];
      for (const [query, parameter] of asks) {
        const reply = await get(role, `/v1/${resource}?${query}`);
        expectRefused(reply, parameter, query);
        expectSilent(reply, unreadable, field);
      }
      const [id = ""] = Object.values(acme.rows[resource]);
      const one = await get(role, `/v1/${resource}/${id}?fields=${field}`);
      expectRefused(one, "fields", field);
    }
  });

  test("a list that no index serves is answered without naming unreadable fields", async () => {
    for (const field of readable) {
      const reply = await get(role, `/v1/${resource}?sort=${field}`);
      if (reply.status === 200) continue;
      expectRefused(reply, "sort", field);
      expectSilent(reply, unreadable, field);
    }
  });

  test("every readable field can be selected alone, in lists and records", async () => {
    const id = acme.rows[resource][ACCESS[resource][role].read?.rows[0] ?? ""];
    for (const field of readable) {
      const list = await get(role, `/v1/${resource}?fields=${field}`);
      expect(list.status, list.text).toBe(200);
      for (const record of list.json.data) expect(Object.keys(record)).toEqual([field]);
      const one = await get(role, `/v1/${resource}/${id}?fields=${field}`);
      expect(Object.keys(one.json.data)).toEqual([field]);
    }
  });
});

describe.each(ROLES)("%s including relations of work orders", (role) => {
  test.each(RELATIONS)("%s", async (relation) => {
    const fields = INCLUDES[role][relation];
    const readable = ACCESS["work-orders"][role].read?.fields ?? [];
    const paths = ["/v1/work-orders", `/v1/work-orders/${acme.rows["work-orders"].leak}`];
    for (const path of paths) {
      const reply = await get(role, `${path}?include=${relation}`);
      if (fields === undefined) {
        expectRefused(reply, "include", relation);
        const narrowed = await get(role, `${path}?include=${relation}&fields[${relation}]=id`);
        expectRefused(narrowed, "include", relation);
        continue;
      }
      expect(reply.status, reply.text).toBe(200);
      const records = [reply.json.data].flat();
      expect(records.length).toBeGreaterThan(0);
      for (const record of records) {
        expect(Object.keys(record)).toEqual([...readable, relation]);
        const target = record[relation];
        if (target === null) continue;
        expect(Object.keys(target)).toEqual(fields);
        expect(target.id).toBe(record[`${relation}Id`]);
      }
      expect(records.some((record) => record[relation] !== null)).toBe(true);
    }
    if (fields !== undefined) await unreadableOfTarget(role, relation, fields);
  });

  test("relations of the database that are not declared, or of nobody, are refused", async () => {
    const names = ["organization", "members", "tickets", "__proto__", "constructor", "", "Site"];
    for (const name of [...names, "site.assets", "site,nothing"]) {
      const reply = await get(role, `/v1/work-orders?include=${encodeURIComponent(name)}`);
      expectRefused(reply, "include", name);
    }
  });
});

async function unreadableOfTarget(
  role: Role,
  relation: string,
  fields: readonly string[],
): Promise<void> {
  const path = "/v1/work-orders";
  const target: Resource = RELATION_TARGETS[relation] ?? "users";
  for (const field of [...FIELDS[target], ...NO_FIELDS]) {
    const reply = await get(role, `${path}?include=${relation}&fields[${relation}]=${field}`);
    if (!fields.includes(field)) expectRefused(reply, `fields[${relation}]`, field);
    else expect(reply.status, reply.text).toBe(200);
  }
  const dotted = await get(role, `${path}?filter[${relation}][name]=1`);
  expectRefused(dotted, `filter[${relation}][name]`, relation);
}

describe.each(ROLES)("%s filtering by a related record", (role) => {
  const own = "filter[status]=open"; // A filter of its own, which an index finds.

  test.each(RELATIONS)("%s uses the fields that it could include, no other", async (relation) => {
    const readable = INCLUDES[role][relation] ?? [];
    const target: Resource = RELATION_TARGETS[relation] ?? "users";
    for (const field of [...FIELDS[target], ...NO_FIELDS]) {
      const name = `${relation}.${field}`;
      const value = encodeURIComponent(sample(field));
      const asks: readonly (readonly [query: string, parameter: string])[] = [
        [`filter[${name}]=${value}`, `filter[${name}]`],
        [`filter[${name}][in]=${value}`, `filter[${name}][in]`],
        [`filter[${name}][isNull]=false`, `filter[${name}][isNull]`],
        [`filter[${name}][ne]=${value}&page[count]=exact`, `filter[${name}][ne]`],
      ];
      for (const [query, parameter] of asks) {
        const reply = await get(role, `/v1/work-orders?${own}&${query}`);
        if (readable.includes(field)) expect(reply.status, reply.text).toBe(200);
        else expectRefused(reply, parameter, name);
      }
      for (const sort of [name, `-${name}`]) {
        expectRefused(await get(role, `/v1/work-orders?${own}&sort=${sort}`), "sort", name);
      }
      const fields = await get(role, `/v1/work-orders?fields=${name}`);
      expectRefused(fields, "fields", name);
    }
  });
});

const RELATION_TARGETS: Readonly<Record<string, Resource>> = {
  site: "sites",
  asset: "assets",
  category: "categories",
  skill: "skills",
  team: "teams",
};

test("a role without read access to a resource gets 403 before any look at its query", async () => {
  for (const resource of RESOURCES) {
    for (const role of ROLES) {
      if (ACCESS[resource][role].read !== undefined) continue;
      for (const query of ["", "?filter[id]=x", "?sort=nothing", "?fields=name"]) {
        const reply = await get(role, `/v1/${resource}${query}`);
        expect(reply.status, reply.text).toBe(403);
      }
    }
  }
});

function expectRefused(reply: Reply, parameter: string, what: string): void {
  expect(reply.status, `${what}: ${reply.text}`).toBe(400);
  expect(reply.json.error.code).toBe("PARAMETER_INVALID");
  const named: string[] = reply.json.error.details.map((one: { field: string }) => one.field);
  expect(named, what).toContain(parameter);
}

/** What the role may not read is not told by the message either, but for what it asked itself. */
function expectSilent(reply: Reply, unreadable: readonly string[], asked: string): void {
  const words = new Set(reply.text.match(/[A-Za-z_]+/g));
  const told = unreadable.filter((field) => field !== asked && words.has(field));
  // "role" and "version" are also words of sentences.
  expect(told.filter((field) => field !== "role")).toEqual([]);
}
