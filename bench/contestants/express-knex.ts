// Express and Knex by their guides. Nothing else: no key check, no wall, no audit.
import knex from "knex";
import { newId } from "../../src/base/ids.ts";
import { serveStore } from "./express-app.ts";
import { PAGE_SIZE, POOL_SIZE } from "./peers.ts";
import { databaseUrl } from "./requests.ts";

const db = knex.knex({
  client: "pg",
  connection: databaseUrl(),
  pool: { min: POOL_SIZE, max: POOL_SIZE },
});

const TRACKED = { createdAt: "created_at", updatedAt: "updated_at", version: "version" };
const WORK_ORDER = {
  id: "id",
  number: "number",
  externalId: "external_id",
  title: "title",
  description: "description",
  status: "status",
  priority: "priority",
  siteId: "site_id",
  location: "location",
  assetId: "asset_id",
  categoryId: "category_id",
  skillId: "skill_id",
  teamId: "team_id",
  assigneeId: "assignee_id",
  requesterId: "requester_id",
  internalNotes: "internal_notes",
  reason: "reason",
  reportedAt: "reported_at",
  dueAt: "due_at",
  heldAt: "held_at",
  closedAt: "closed_at",
  ...TRACKED,
};
const ASSET = {
  id: "id",
  siteId: "site_id",
  parentId: "parent_id",
  name: "name",
  serialNumber: "serial_number",
  ...TRACKED,
};
const USER = { id: "id", name: "name", email: "email", phone: "phone", ...TRACKED };

type Row = Record<string, unknown>;

const columns = (table: string, names: Record<string, string>, prefix = ""): string[] =>
  Object.entries(names).map(([name, column]) => `${table}.${column} as ${prefix}${name}`);

const SELECTED = [
  ...columns("work_orders", WORK_ORDER),
  ...columns("assets", ASSET, "asset_"),
  ...columns("users", USER, "assignee_"),
];

const joined = (organizationId: string) =>
  db("work_orders")
    .select(SELECTED)
    .leftJoin("assets", (on) => {
      on.on("assets.organization_id", "work_orders.organization_id");
      on.andOn("assets.id", "work_orders.asset_id");
    })
    .leftJoin("users", (on) => {
      on.on("users.organization_id", "work_orders.organization_id");
      on.andOn("users.id", "work_orders.assignee_id");
    })
    .where("work_orders.organization_id", organizationId);

interface Shaped extends Row {
  readonly id: string;
  readonly dueAt: Date | null;
}

function shape(row: Row): Shaped {
  const record: Row = {};
  const asset: Row = {};
  const assignee: Row = {};
  for (const [name, value] of Object.entries(row)) {
    if (name.startsWith("asset_")) asset[name.slice("asset_".length)] = value;
    else if (name.startsWith("assignee_")) assignee[name.slice("assignee_".length)] = value;
    else record[name] = value;
  }
  record.asset = asset.id === null ? null : asset;
  record.assignee = assignee.id === null ? null : assignee;
  return record as Shaped;
}

serveStore({
  async get(organizationId, id) {
    const row = await joined(organizationId).where("work_orders.id", id).first();
    return row === undefined ? null : shape(row as Row);
  },
  async list(organizationId, status, dueBefore) {
    const rows: Row[] = await joined(organizationId)
      .where("work_orders.status", status)
      .where("work_orders.due_at", "<", dueBefore)
      .orderBy([
        { column: "work_orders.due_at", order: "desc", nulls: "last" },
        { column: "work_orders.id", order: "desc", nulls: "last" },
      ])
      .limit(PAGE_SIZE + 1);
    return rows.map(shape);
  },
  async create(organizationId, body) {
    const named: Row = { organization_id: organizationId, id: newId() };
    for (const [name, value] of Object.entries(body)) {
      named[WORK_ORDER[name as keyof typeof WORK_ORDER]] = value;
    }
    const [row] = await db("work_orders")
      .insert(named)
      .returning(columns("work_orders", WORK_ORDER));
    return row as Row;
  },
});
