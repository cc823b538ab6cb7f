// Page cursors are good for the list that they came from and for nothing else.
//
// Planted faults, each red before it was taken out again:
// - the signature not checked -> forged or edited
// - the filters, the sort or the resource left out of what is signed -> another filter
// - one secret for every process -> another secret key
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefusal } from "../fixtures/refusals.ts";
import { createOrganization, type Organization } from "../fixtures/work-orders-world.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

let backend: TestBackend;
let acme: Organization;
let key: string;
beforeAll(async () => {
  backend = await startTestBackend("cursors");
  acme = await createOrganization(backend, "Acme");
  ({ key } = acme.people.manager);
});
afterAll(() => backend?.close());

const list = (query: string): Promise<Reply> =>
  backend.request(`/v1/work-orders?${query}`, { key });

describe("cursors", () => {
  async function cursorOf(query: string): Promise<string> {
    const reply = await list(query);
    expect(reply.status, reply.text).toBe(200);
    return reply.json.meta.pagination.next;
  }
  const query = "sort=dueAt&page[size]=1";

  test("that are forged or edited in any byte are refused", async () => {
    const cursor = await cursorOf(query);
    const bytes = Buffer.from(cursor, "base64url");
    const edited = Buffer.from(
      bytes.map((byte, at) => (at === bytes.length - 3 ? byte ^ 1 : byte)),
    );
    const bad = [
      "",
      "x",
      "AAAA",
      `${cursor}A`,
      cursor.slice(0, -1),
      `${cursor}=`,
      ` ${cursor}`,
      cursor.toUpperCase(),
      edited.toString("base64url"),
      bytes.subarray(16).toString("base64url"),
      Buffer.concat([Buffer.alloc(16), bytes.subarray(16)]).toString("base64url"),
      Buffer.from(JSON.stringify([randomUUID(), null])).toString("base64url"),
      "null",
      "%00",
      "1' or '1'='1",
      "x".repeat(4_000),
    ];
    for (let bit = 0; bit < bytes.length * 8; bit += 5) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      bad.push(flipped.toString("base64url"));
    }
    for (const text of bad) {
      for (const side of ["after", "before"]) {
        const value = text === "%00" ? text : encodeURIComponent(text);
        const reply = await list(`${query}&page[${side}]=${value}`);
        expectRefusal(reply, 400, "CURSOR_INVALID", `page[${side}]`);
      }
    }
  });

  test("of another filter, sort or resource are refused; size and mask may change", async () => {
    const cursor = await cursorOf(query);
    for (const other of ["sort=-dueAt", "sort=id", "", "sort=dueAt&filter[status]=open"]) {
      const reply = await list(`${other}&page[after]=${cursor}`.replace(/^&/, ""));
      expectRefusal(reply, 400, "CURSOR_INVALID", "page[after]");
    }
    const filtered = await cursorOf("filter[status]=open&sort=dueAt&page[size]=1");
    const done = await list(`filter[status]=done&sort=dueAt&page[after]=${filtered}`);
    expectRefusal(done, 400, "CURSOR_INVALID", "page[after]");
    const newest = await cursorOf("page[size]=1");
    const sites = await backend.request(`/v1/sites?page[after]=${newest}`, { key });
    expectRefusal(sites, 400, "CURSOR_INVALID", "page[after]");
    for (const more of ["page[size]=2", "page[size]=2&fields=id", "page[size]=2&include=site"]) {
      const reply = await list(`sort=dueAt&${more}&page[after]=${cursor}`);
      expect(reply.status, reply.text).toBe(200);
    }
  });

  test("hold nothing that their reader may not read, and outlive no other secret key", async () => {
    const requester = acme.people.requester.key;
    const path = "/v1/work-orders?page[size]=1&sort=dueAt";
    const reply = await backend.request(path, { key: requester });
    const { next } = reply.json.meta.pagination;
    const payload = Buffer.from(next, "base64url").subarray(16).toString();
    const [first] = reply.json.data;
    expect(JSON.parse(payload)).toEqual([first.id, first.dueAt]);
    const other = await startTestBackend("othersecret");
    try {
      // The same tenant, so that only the secret differs.
      const { tenantId } = acme;
      await other.owner.query("insert into organizations (id, name) values ($1, 'Acme')", [
        tenantId,
      ]);
      const person = await other.person(tenantId, "requester");
      const foreign = await other.request(`${path}&page[after]=${next}`, { key: person.key });
      expectRefusal(foreign, 400, "CURSOR_INVALID", "page[after]");
    } finally {
      await other.close();
    }
  });
});
