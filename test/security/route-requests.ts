// What is asked of each route of the work-orders example, by hand: a request that is right in all
// but the caller, on a record that no other cell has met.
import { expect } from "vitest";
import type { Organization } from "../fixtures/work-orders-world.ts";
import type { TestBackend } from "../support/backend.ts";
import type { Caller } from "./route-matrix.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}
export interface World {
  readonly backend: TestBackend;
  readonly acme: Organization;
  readonly rival: Organization;
  /** A manager's of each organization. */
  readonly managerKeys: ReadonlyMap<Organization, string>;
}
type Fields = Record<string, unknown>;

let serial = 0;
const unique = (): string => {
  serial += 1;
  return `Value ${serial}`;
};
/** A moment that no other reading has. */
const moment = (): string => {
  serial += 1;
  return new Date(Date.UTC(2027, 0, 1) + serial * 1000).toISOString();
};

/** Makes a record as a manager of the organization, for others to refer to or to change. */
async function make(world: World, of: Organization, path: string, body: Fields): Promise<string> {
  const key = world.managerKeys.get(of) ?? "";
  const made = await world.backend.request(`/v1/${path}`, { key, body });
  expect(made.status, made.text).toBe(201);
  return made.json.data.id;
}

/**
 * What a caller of an organization sends to make a record of a resource. The order is one that the
 * technician does and the requester asked for. Who writes in their own name does not say whose.
 */
async function newRecord(
  world: World,
  resource: string,
  of: Organization,
  isManager: boolean,
  isRequester = false,
): Promise<Fields> {
  const { people, rows } = of;
  const workOrderId = rows["work-orders"].leak;
  const technician = people.technician.id;
  switch (resource) {
    case "users":
      return { name: unique(), email: `${unique()}@example.org` };
    case "assets":
      return { name: unique(), siteId: rows.sites.yard };
    case "work-orders": {
      const asker = isRequester ? {} : { requesterId: people.requester.id };
      return { title: unique(), siteId: rows.sites.yard, ...asker };
    }
    case "user-skills":
      return {
        userId: technician,
        skillId: await make(world, of, "skills", { name: unique() }),
      };
    case "comments":
      return { workOrderId, body: unique(), ...(isManager && { authorId: technician }) };
    case "checklist-items":
      return { workOrderId, position: 1, text: unique() };
    case "parts":
      return { sku: unique(), name: unique(), stock: 1 };
    case "parts-used": {
      const partId = await make(world, of, "parts", { sku: unique(), name: unique(), stock: 1 });
      return { workOrderId, partId, quantity: 1 };
    }
    case "meters":
      return { assetId: rows.assets.pump, name: unique(), unit: "h" };
    case "meter-readings": {
      const reader = isManager ? { readerId: technician } : {};
      return { meterId: rows.meters.pump, value: 1.5, readAt: moment(), ...reader };
    }
    case "schedules":
      return {
        assetId: rows.assets.pump,
        title: unique(),
        intervalDays: 30,
        nextDueOn: "2027-01-31",
      };
    default:
      return { name: unique() };
  }
}

/** What is changed: where roles change little, something that they may. */
async function change(world: World, resource: string): Promise<Fields> {
  const skill = () => make(world, world.acme, "skills", { name: unique() });
  switch (resource) {
    case "work-orders":
      return { description: unique() };
    case "assets":
      return { serialNumber: unique() };
    case "sites":
      return { address: unique() };
    case "users":
      return { phone: unique() };
    case "user-skills":
      return { skillId: await skill() };
    case "comments":
      return { body: unique() };
    case "checklist-items":
      return { isDone: true };
    case "parts":
      return { stock: 7 };
    case "parts-used":
      return { quantity: 7 };
    case "meters":
      return { unit: unique() };
    case "meter-readings":
      return { value: 2.5 };
    case "schedules":
      return { nextDueOn: "2027-02-28" };
    default:
      return { name: unique() };
  }
}

/** The unique key of a resource; a resource without one is asked by a field that is none. */
const KEYS: Readonly<Record<string, string>> = {
  "work-orders": "externalId",
  users: "email",
  "user-skills": "userId,skillId",
  comments: "body",
  "checklist-items": "position",
  parts: "sku",
  "parts-used": "workOrderId,partId",
  meters: "assetId,name",
  "meter-readings": "meterId,readAt",
  schedules: "title",
};

/** Where an order must be for the action to be right. */
const BEFORE: Readonly<Record<string, string>> = {
  start: "assigned",
  complete: "in_progress",
  reopen: "done",
};

/** A record of Acme that no other cell has met. */
async function freshRecord(world: World, resource: string, action?: string): Promise<string> {
  const { acme, backend, managerKeys } = world;
  const body = await newRecord(world, resource, acme, true);
  if (resource === "sites") body.isPublic = true;
  if (resource === "work-orders") {
    const status = BEFORE[action ?? ""];
    Object.assign(body, { assigneeId: acme.people.technician.id, ...(status && { status }) });
  }
  const id = await make(world, acme, resource, body);
  if (action === "restore") {
    const key = managerKeys.get(acme) ?? "";
    const gone = await backend.request(`/v1/${resource}/${id}`, { method: "DELETE", key });
    expect(gone.status, gone.text).toBe(204);
  }
  return id;
}

/** What an action is told; {} where it asks for nothing. */
function inputOf(action: string, of: Organization): Fields {
  if (action === "assign") return { technicianId: of.people.technician.id };
  if (action === "prioritize") return { priority: "high" };
  if (["hold", "cancel", "reopen"].includes(action)) return { reason: unique() };
  if (action.endsWith("-member")) return { userId: of.people.technician.id };
  return {};
}

/** The request of a cell, on a record that is its own. */
export async function requestOf(
  world: World,
  route: string,
  caller: Caller | "nobody",
): Promise<Asked> {
  const [method = "", path = ""] = route.split(" ");
  const [, , resource = "", second, action] = path.split("/");
  if (path.endsWith("/openapi.json") || (method === "GET" && second === undefined)) {
    return { method, path };
  }
  if (second === "aggregate") return { method, path: `${path}?count=true` };
  if (resource === "batch") {
    const id = await freshRecord(world, "work-orders");
    return { method, path, body: { operations: [{ operation: "workOrders.get", id }] } };
  }
  const own = caller === "a foreign manager" ? world.rival : world.acme;
  const isManager = caller === "manager" || caller === "a foreign manager";
  const record = () => newRecord(world, resource, own, isManager, caller === "requester");
  if (method === "PUT") {
    const body = await record();
    if (resource === "work-orders") body.externalId = unique();
    return { method, path: `${path}?by=${KEYS[resource] ?? "name"}`, body };
  }
  const atomic = true; // So that the one record's refusal is the reply's.
  if (method === "POST" && second === undefined) return { method, path, body: await record() };
  if (second === "bulk-create") {
    return { method, path, body: { atomic, records: [await record()] } };
  }
  const id = await freshRecord(world, resource, action);
  if (second === "bulk-update") {
    const records = [{ id, ...(await change(world, resource)) }];
    return { method, path, body: { atomic, records } };
  }
  if (second === "bulk-delete") return { method, path, body: { atomic, records: [{ id }] } };
  const at = path.replace(":id", id);
  if (method === "PATCH") return { method, path: at, body: await change(world, resource) };
  if (method !== "POST") return { method, path: at };
  return action === "restore"
    ? { method, path: at }
    : { method, path: at, body: inputOf(action ?? "", own) };
}
