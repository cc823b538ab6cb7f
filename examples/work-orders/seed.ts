// Demo data for an empty database: two organizations at work, and one that waits for real input.
// Tenants and keys are made as the owner, everything else through operations like any caller's.
import { newId, now, type SeedContext } from "backwright";
import { HARBOUR } from "./demo/harbour.ts";
import { HOSPITAL } from "./demo/hospital.ts";
import { type Job, type Plan, ROLES, type Role } from "./demo/plan.ts";

type Caller = Awaited<ReturnType<SeedContext["as"]>>;
type Ids = Map<string, string>;
/** An organization in the making: who acts, and the ids of what there is, by kind and name. */
interface Making {
  readonly plan: Plan;
  readonly ids: Readonly<Record<Role, string>>;
  readonly as: Readonly<Record<Role, Caller>>;
  readonly made: Ids;
}

const DAY_MS = 86_400_000;
const daysAgo = (days: number): string => new Date(now() - days * DAY_MS).toISOString();

export default async function seed(context: SeedContext): Promise<void> {
  await seedOrganization(context, HARBOUR);
  await seedOrganization(context, HOSPITAL);
  await seedForRealInput(context);
}

async function seedOrganization(context: SeedContext, plan: Plan): Promise<void> {
  const { name, timeZone } = plan;
  const tenantId = await context.tenant({ name, timeZone });
  const making = await seedPeople(context, tenantId, plan);
  await seedPlaces(making);
  for (const part of plan.parts) await make(making, "parts", part.sku, part);
  for (const job of plan.jobs) await seedJob(making, job);
  for (const role of ROLES) {
    const { [role]: id } = making.ids;
    await context.key({ tenantId, tenant: name, role, id, name: plan.people[role] });
  }
}

/** Creates as the manager, once for each name. */
async function make(
  { as, made }: Pick<Making, "as" | "made">,
  resource: string,
  name: string,
  body: object,
): Promise<string> {
  const key = `${resource} ${name}`;
  const id = made.get(key) ?? (await as.manager.create(resource, body)).id;
  made.set(key, id);
  return id;
}

const idOf = ({ made }: Making, resource: string, name: string): string =>
  made.get(`${resource} ${name}`) ?? "";

async function seedPeople(context: SeedContext, tenantId: string, plan: Plan): Promise<Making> {
  const setUp = await context.as({ tenantId, role: "manager", id: newId() });
  const ids = {} as Record<Role, string>;
  const as = {} as Record<Role, Caller>;
  for (const role of ROLES) {
    const name = plan.people[role];
    const email = `${name.toLowerCase().replace(" ", ".")}@example.org`;
    ids[role] = (await setUp.create("users", { name, email })).id;
  }
  const { id: teamId } = await setUp.create("teams", { name: "Maintenance" });
  await setUp.run("teams", teamId, "addMember", { userId: ids.technician });
  for (const role of ROLES) as[role] = await context.as({ tenantId, role, id: ids[role] });
  const making = { plan, ids, as, made: new Map([["teams Maintenance", teamId]]) };
  for (const name of plan.skills) {
    const skillId = await make(making, "skills", name, { name });
    await as.manager.create("userSkills", { userId: ids.technician, skillId });
  }
  return making;
}

async function seedPlaces(making: Making): Promise<void> {
  const { plan, as } = making;
  for (const site of plan.sites) await make(making, "sites", site.name, site);
  for (const [at, name, ...children] of plan.assets) {
    const siteId = idOf(making, "sites", plan.sites[at]?.name ?? "");
    const parentId = await make(making, "assets", name, { name, siteId });
    for (const child of children) {
      await make(making, "assets", child, { name: child, siteId, parentId });
    }
  }
  for (const { asset, ...meter } of plan.meters) {
    const assetId = idOf(making, "assets", asset);
    const { id: meterId } = await as.manager.create("meters", { assetId, ...meter });
    for (const [at, value] of plan.readings.entries()) {
      const readAt = daysAgo(7 * (plan.readings.length - at));
      await as.technician.create("meterReadings", { meterId, value, readAt });
    }
  }
  for (const { asset, ...schedule } of plan.schedules) {
    const assetId = idOf(making, "assets", asset);
    const nextDueOn = daysAgo(-14).slice(0, 10);
    await as.manager.create("schedules", { assetId, nextDueOn, ...schedule });
  }
}

async function seedJob(making: Making, job: Job): Promise<void> {
  const { plan, as } = making;
  const { title, location = null, priority = "normal", category } = job;
  const assetId = idOf(making, "assets", job.asset);
  const [at = 0] = plan.assets.find(([, name]) => name === job.asset) ?? [];
  const { id } = await as.requester.create("workOrders", {
    title,
    location,
    assetId,
    siteId: idOf(making, "sites", plan.sites[at]?.name ?? ""),
    categoryId: await make(making, "categories", category, { name: category }),
  });
  await as.manager.update("workOrders", id, {
    reportedAt: daysAgo(job.reportedDaysAgo),
    teamId: idOf(making, "teams", "Maintenance"),
    ...(job.skill === undefined ? {} : { skillId: idOf(making, "skills", job.skill) }),
  });
  for (const [index, text] of (job.checklist ?? []).entries()) {
    await as.dispatcher.create("checklistItems", { workOrderId: id, position: index + 1, text });
  }
  await as.dispatcher.run("workOrders", id, "prioritize", { priority });
  if (job.until !== "open") await seedProgress(making, id, job);
}

/** Assigned, begun, and whatever comes after it, by those who would do it. */
async function seedProgress(making: Making, id: string, job: Job): Promise<void> {
  const { technician, dispatcher } = making.as;
  await dispatcher.run("workOrders", id, "assign", { technicianId: making.ids.technician });
  for (const [sku, quantity] of Object.entries(job.parts ?? {})) {
    const line = { workOrderId: id, partId: idOf(making, "parts", sku), quantity };
    await technician.create("partsUsed", line);
  }
  if (job.comment !== undefined) {
    await technician.create("comments", { workOrderId: id, body: job.comment });
  }
  if (job.until === "assigned") return;
  await technician.run("workOrders", id, "start");
  if (job.until === "on_hold") {
    await technician.run("workOrders", id, "hold", { reason: job.comment ?? "Waits" });
  }
  if (job.until !== "done") return;
  const items = await technician.list("checklistItems", {
    filters: [{ field: "workOrderId", operator: "eq", value: id }],
  });
  for (const item of items) await technician.update("checklistItems", item.id, { isDone: true });
  await technician.run("workOrders", id, "complete", {});
}

/** An empty organization for `npm run import:311`, with the key that the import uses. */
async function seedForRealInput(context: SeedContext): Promise<void> {
  const name = "New York 311";
  const tenantId = await context.tenant({ name, timeZone: "America/New_York" });
  const setUp = await context.as({ tenantId, role: "manager", id: newId() });
  const { id } = await setUp.create("users", { name: "311 line", email: "311@example.org" });
  await context.key({ tenantId, tenant: name, role: "manager", id, name: "311 line" });
}
