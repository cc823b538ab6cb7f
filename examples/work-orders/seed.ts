// Demo data for an empty database: two organizations at work, and one that waits for real input.
// Tenants and keys are made as the owner, everything else through operations like any caller's.
import { newId, type SeedContext } from "backwright";

const ROLES = ["manager", "dispatcher", "technician", "requester", "viewer"] as const;

interface Plan {
  readonly name: string;
  readonly timeZone: string;
  readonly people: Readonly<Record<(typeof ROLES)[number], string>>;
  readonly sites: readonly { readonly name: string; readonly isPublic: boolean }[];
  readonly jobs: readonly (readonly [title: string, asset: string, category: string])[];
}

const HARBOUR: Plan = {
  name: "Harbour Facilities",
  timeZone: "Europe/Lisbon",
  people: {
    manager: "Maria Duarte",
    dispatcher: "Dinis Rocha",
    technician: "Teresa Lima",
    requester: "Rui Pinto",
    viewer: "Vera Sousa",
  },
  sites: [
    { name: "Terminal A", isPublic: true },
    { name: "Warehouse 3", isPublic: false },
  ],
  jobs: [
    ["Escalator stops at night", "Escalator E2", "Lifts"],
    ["Leak under the chiller", "Chiller 1", "Cooling"],
    ["Gate barrier stays open", "Barrier North", "Doors"],
    ["Emergency light is dark", "Light row 7", "Electric"],
    ["Pump runs hot", "Pump P4", "Water"],
    ["Filter change due", "Air handler 2", "Cooling"],
  ],
};

const HOSPITAL: Plan = {
  name: "St. Brigid Hospital",
  timeZone: "Europe/Dublin",
  people: {
    manager: "Maeve Byrne",
    dispatcher: "Declan Walsh",
    technician: "Tara Nolan",
    requester: "Rory Quinn",
    viewer: "Una Keane",
  },
  sites: [
    { name: "Main building", isPublic: true },
    { name: "Laboratory", isPublic: false },
  ],
  jobs: [
    ["Nurse call does not ring", "Nurse call 2B", "Electric"],
    ["Theatre door is slow", "Theatre door 4", "Doors"],
    ["Steriliser shows error 12", "Steriliser 1", "Medical"],
    ["Water below 60 degrees", "Boiler 2", "Water"],
  ],
};

export default async function seed(context: SeedContext): Promise<void> {
  await seedOrganization(context, HARBOUR);
  await seedOrganization(context, HOSPITAL);
  await seedForRealInput(context);
}

async function seedOrganization(context: SeedContext, plan: Plan): Promise<void> {
  const { name, timeZone } = plan;
  const tenantId = await context.tenant({ name, timeZone });
  const setUp = await context.as({ tenantId, role: "manager", id: newId() });
  const ids = new Map<string, string>();
  for (const role of ROLES) {
    const person = plan.people[role];
    const email = `${person.toLowerCase().replace(" ", ".")}@example.org`;
    ids.set(role, (await setUp.create("users", { name: person, email })).id);
  }
  const idOf = (role: string): string => ids.get(role) ?? "";
  const manager = await context.as({ tenantId, role: "manager", id: idOf("manager") });
  const team = await manager.create("teams", { name: "Maintenance" });
  await context.insert("teamMembers", [
    { organizationId: tenantId, teamId: team.id, userId: idOf("technician") },
  ]);
  const sites = [];
  for (const site of plan.sites) sites.push(await manager.create("sites", site));
  const categories = new Map<string, string>();
  const requester = await context.as({ tenantId, role: "requester", id: idOf("requester") });
  for (const [at, [title, asset, category]] of plan.jobs.entries()) {
    const siteId = sites[at % sites.length]?.id ?? "";
    const known = categories.get(category);
    const categoryId = known ?? (await manager.create("categories", { name: category })).id;
    categories.set(category, categoryId);
    const { id: assetId } = await manager.create("assets", { name: asset, siteId });
    const order = { title, siteId, assetId, categoryId };
    const { id } = await requester.create("workOrders", order);
    if (at % 2 === 0) continue;
    await manager.update("workOrders", id, {
      status: "assigned",
      priority: at % 3 === 0 ? "urgent" : "high",
      teamId: team.id,
      assigneeId: idOf("technician"),
      dueAt: `2027-01-${String(at + 10).padStart(2, "0")}T08:00:00Z`,
      internalNotes: "Bring the long ladder.",
    });
  }
  for (const role of ROLES) {
    await context.key({ tenantId, tenant: name, role, id: idOf(role), name: plan.people[role] });
  }
}

/** An empty organization for `npm run import:311`, with the key that the import uses. */
async function seedForRealInput(context: SeedContext): Promise<void> {
  const name = "New York 311";
  const tenantId = await context.tenant({ name, timeZone: "America/New_York" });
  const setUp = await context.as({ tenantId, role: "manager", id: newId() });
  const { id } = await setUp.create("users", { name: "311 line", email: "311@example.org" });
  await context.key({ tenantId, tenant: name, role: "manager", id, name: "311 line" });
}
