// Relations whose names are longer together than what PostgreSQL keeps of a name (63 bytes): two
// rows of one statement never have one name.
//
// Planted fault, red before it was taken out again: rows named by the relations that lead to them.
import { type DomainOf, define } from "backwright";
import { defineRelations } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { assets, organizations, sites } from "../../examples/work-orders/schema.ts";
import { type Person, type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

const relations = defineRelations({ organizations, sites, assets }, (r) => ({
  assets: {
    equipmentOfWhichThisEquipmentIsAPart: r.one.assets({
      from: [r.assets.organizationId, r.assets.parentId],
      to: [r.assets.organizationId, r.assets.id],
      alias: "tree",
    }),
    equipmentThatIsAPartOfThisEquipment: r.many.assets({
      from: [r.assets.organizationId, r.assets.id],
      to: [r.assets.organizationId, r.assets.parentId],
      alias: "tree",
    }),
  },
}));
const WHOLE = "equipmentOfWhichThisEquipmentIsAPart";
const PARTS = "equipmentThatIsAPartOfThisEquipment";
const domain = define({ relations, tenant: organizations, roles: ["manager", "guard"] });
interface App extends DomainOf<typeof domain> {}
const { resource, backend: declare } = domain.as<App>();

// Equipment two steps below what has no safe as its part.
const rows = { not: { [WHOLE]: { [WHOLE]: { [PARTS]: { name: "Safe" } } } } } as const;
const declared = declare({
  name: "long-names",
  resources: {
    sites: resource("sites", {
      scope: "tenant",
      access: { manager: "all", guard: { read: true } },
    }),
    assets: resource("assets", {
      scope: "tenant",
      access: { manager: "all", guard: { read: { rows } } },
    }),
  },
});

let backend: TestBackend;
let manager: Person;
let guard: Person;
beforeAll(async () => {
  backend = await startTestBackend("long_names", { backend: declared });
  const tenantId = await backend.tenant("Acme");
  manager = await backend.person(tenantId, "manager");
  guard = await backend.person(tenantId, "guard");
  const as = await backend.as(manager);
  const { id: siteId } = await as.create("sites", { name: "Yard" });
  const make = async (name: string, parentId: string | null): Promise<string> =>
    (await as.create("assets", { name, siteId, parentId })).id;
  const plant = await make("Plant", null);
  await make("Pump", await make("Line", plant));
  await make("Crane", plant);
  const vault = await make("Vault", null);
  await make("Lamp", await make("Shelf", vault));
  await make("Safe", vault);
});
afterAll(() => backend?.close());

const get = (path: string, { key }: Person): Promise<Reply> => backend.request(path, { key });
const named = (records: readonly { readonly name: string }[]): string[] =>
  records.map(({ name }) => name).toSorted();

test("an include through relations with long names shows the records at its end", async () => {
  const query = `filter[name]=Pump&include=${WHOLE}.${WHOLE}.${PARTS}`;
  const reply = await get(`/v1/assets?${query}`, manager);
  expect(reply.status, reply.text).toBe(200);
  expect(named(reply.json.data[0][WHOLE][WHOLE][PARTS].data)).toEqual(["Crane", "Line"]);
});

test("a policy through relations with long names hides what it excludes", async () => {
  const all = ["Crane", "Lamp", "Line", "Plant", "Pump", "Safe", "Shelf", "Vault"];
  expect(named((await get("/v1/assets", manager)).json.data)).toEqual(all);
  const seen = named((await get("/v1/assets", guard)).json.data);
  expect(seen).toEqual(all.filter((name) => name !== "Lamp"));
});
