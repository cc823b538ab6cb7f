import type { ContractOf } from "../../../src/model/contract.ts";
import { backend, me, resource, rows } from "./domain.ts";

const mine = rows("workOrders", { assigneeId: me.id });
const ofMyTeam = rows("workOrders", {
  or: [
    mine,
    { teamId: { in: me.teamIds } },
    { team: { name: me.region }, not: { status: "cancelled" } },
    { and: [{ status: { in: ["open", "assigned"] } }, { assigneeId: { isNull: true } }] },
    { dueAt: { lt: new Date("2026-01-01T00:00:00Z"), gte: new Date(0) }, version: { gt: 1 } },
    { status: { ne: me.region }, version: { lte: me.level } },
  ],
});

export const workOrders = resource("workOrders", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true, create: true, update: true },
    technician: {
      read: { rows: ofMyTeam },
      update: { rows: mine, fields: ["status", "description"], after: {} },
    },
    requester: {
      read: { rows: { requesterId: me.id }, fields: ["id", "title", "status", "dueAt"] },
      create: {
        rows: { asset: { name: { ne: "closed" } } },
        fields: ["title", "description", "assetId"],
        set: { requesterId: me.id, status: "open" },
      },
    },
  },
  states: {
    status: {
      open: ["assigned", "cancelled"],
      assigned: ["in_progress", "open"],
      in_progress: ["done"],
      done: [],
      cancelled: [],
    },
  },
});

export const assets = resource("assets", {
  scope: "tenant",
  access: {
    manager: "all",
    technician: { read: { rows: { attributes: { isNull: false }, tags: { isNull: false } } } },
  },
});

export const users = resource("users", {
  scope: "tenant",
  access: { manager: "all", dispatcher: { read: { fields: ["id", "name"] } } },
  hidden: ["passwordHash"],
});

const app = backend({ name: "work-orders", resources: { workOrders, assets, users } });
export default app;
export interface Api extends ContractOf<typeof app> {}
