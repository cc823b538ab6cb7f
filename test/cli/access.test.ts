// Who may do what, as a table and for one record: the answers are those that requests get.
//
// Planted faults, each red before it was taken out again:
// - the condition of the read grant asked for every operation -> for one record
// - claims left out of the statement -> for one record
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLE, type Person, startTestBackend, type TestBackend } from "../support/backend.ts";
import { type Ended, runProgram } from "./program.ts";

let backend: TestBackend;
let manager: Person;
let technician: Person;
let mine: string;
let other: string;
let otherTenant: string;

beforeAll(async () => {
  backend = await startTestBackend("access_cli");
  const tenantId = await backend.tenant("Acme");
  otherTenant = await backend.tenant("Other");
  manager = await backend.person(tenantId, "manager");
  technician = await backend.person(tenantId, "technician");
  const { key } = manager;
  const site = await backend.request("/v1/sites", { key, body: { name: "Yard" } });
  const body = { title: "Leak", siteId: site.json.data.id, requesterId: manager.id };
  const make = async (more: object): Promise<string> =>
    (await backend.request("/v1/work-orders", { key, body: { ...body, ...more } })).json.data.id;
  mine = await make({ assigneeId: technician.id });
  other = await make({ assigneeId: manager.id });
});
afterAll(() => backend?.close());

const access = (...args: readonly string[]): Promise<Ended> =>
  runProgram(["access", ...args], {
    directory: EXAMPLE,
    environment: {
      DATABASE_URL: backend.database.appUrl,
      DATABASE_OWNER_URL: backend.database.ownerUrl,
    },
  });

async function explain(...args: readonly string[]) {
  const { code, stdout, stderr } = await access("explain", ...args, "--json");
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
}

test("the table has every role, operation and field, with the conditions as notes", async () => {
  const { code, stdout, stderr } = await access();
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^workOrders\n {2}operation +manager +dispatcher +technician +requester/);
  expect(stdout).toMatch(/ {2}read +all +all +\[1\] +\[2\] +\[3\]\n/);
  expect(stdout).toMatch(/ {2}assign +yes +yes +– +– +–\n/);
  expect(stdout).toMatch(/ {2}internalNotes +rcu +rcu +ru +– +–\n/);
  expect(stdout).toContain("  [1] where assigneeId = me.id or teamId in me.teamIds\n");
  expect(stdout).toContain("requesterId is set to me.id");
});

test("the same as Markdown and as JSON", async () => {
  const markdown = await access("--format", "markdown");
  expect(markdown.stdout).toContain("| operation | manager | dispatcher |");
  expect(markdown.stdout).toContain("|---|---|");
  const json = JSON.parse((await access("--format", "json")).stdout);
  expect(json.workOrders.technician.update.fields).toContain("location");
  const wrong = await access("--format", "yaml");
  expect([wrong.code, wrong.stdout]).toEqual([1, ""]);
  expect(wrong.stderr).toContain("Allowed choices are text, markdown, json");
});

describe("explain", () => {
  const ask = (operation: string, ...more: readonly string[]) =>
    explain("--as", "technician", "--operation", operation, ...more);

  test("says which rows and fields a role is granted, or that it is granted nothing", async () => {
    expect(await ask("workOrders.update")).toMatchObject({
      isGranted: true,
      rows: "assigneeId = me.id",
      fields: ["description", "location", "internalNotes"],
    });
    expect(await ask("workOrders.assign")).toMatchObject({ isGranted: false });
    const text = await access("explain", "--as", "technician", "--operation", "workOrders.read");
    expect(text.stdout).toMatch(
      /^technician may workOrders\.read\n {2}rows +assigneeId = me\.id or/,
    );
  });

  // Planted: the grant's `set` not handed on -> red.
  test("says of a create what the record must be and which values are forced", async () => {
    const create = ["--as", "requester", "--operation", "workOrders.create"];
    expect(await explain(...create)).toMatchObject({
      isGranted: true,
      set: { requesterId: "me.id" },
    });
    const text = await access("explain", ...create);
    expect(text.stdout).toMatch(
      /^requester may workOrders\.create\n {2}record {2}any\n {2}fields /,
    );
    expect(text.stdout).toMatch(/\n {2}set {5}requesterId = me\.id\n$/);
  });

  test("says for one record what a request of that caller is answered", async () => {
    for (const id of [mine, other]) {
      const { record } = await ask("workOrders.update", "--id", id, "--subject", technician.id);
      const got = await backend.request(`/v1/work-orders/${id}`, { key: technician.key });
      const patch = { method: "PATCH", key: technician.key, body: { description: "x" } };
      const changed = await backend.request(`/v1/work-orders/${id}`, patch);
      expect([record.isVisible, record.isAllowed]).toEqual([
        got.status === 200,
        changed.status === 200,
      ]);
      expect(record.conditions).toEqual([{ text: "assigneeId = me.id", holds: id === mine }]);
      expect(record.tenant).toBe(manager.tenantId);
    }
  });

  test("says that another tenant's record is none", async () => {
    const of = ["--id", mine, "--subject", technician.id, "--tenant", otherTenant];
    const { record } = await ask("workOrders.read", ...of);
    expect(record).toMatchObject({ isVisible: false, isAllowed: false });
    expect(record.obstacle).toContain("belongs to another tenant");
  });

  test.each([
    [["--as", "king", "--operation", "workOrders.read"], /no role "king"\.\n {2}fix: --as manager/],
    [["--as", "manager", "--operation", "orders.read"], /no resource "orders"/],
    [["--as", "manager", "--operation", "comment.update"], /fix: --operation comments\.update\n/],
    [["--as", "manager", "--operation", "workOrders.restore"], /no operation "restore"/],
    [["--as", "manager", "--operation", "workOrders.x"], /fix: --operation workOrders\.read \|/],
    [["--as", "manager", "--operation", "workOrders.read", "--id", "1"], /--id must be a UUID/],
  ])("with %j is refused with what there is", async (args, message) => {
    const { code, stdout, stderr } = await access("explain", ...args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
  });
});
