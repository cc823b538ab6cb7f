import { z } from "zod";
import type { ContractOf } from "../../../src/model/contract.ts";
import { action, backend, event, me, resource, rows } from "./domain.ts";
import * as tables from "./schema.ts";

export const workOrderAssigned = event(
  "workOrder.assigned",
  z.object({ id: z.uuid(), technicianId: z.uuid() }),
);

/** An action in a place of its own. */
export const close = action("workOrders", {
  input: z.object({ reason: z.string() }),
  async run({ record, input, change }) {
    await change({ description: record.title + input.reason });
  },
});

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
      actions: ["start", "close"],
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
  aggregates: { groupBy: ["status", "dueAt"], sum: ["version"], max: ["dueAt", "version"] },
  states: {
    status: {
      open: ["assigned", "cancelled"],
      assigned: ["in_progress", "open"],
      in_progress: ["done"],
      done: [],
      cancelled: [],
    },
  },
  actions: {
    assign: {
      input: z.object({ technicianId: z.uuid() }),
      output: z.object({ id: z.uuid(), dueAt: z.date().nullable() }),
      access: ["manager", "dispatcher"],
      async run({ record, input, actor, change, emit, tx }) {
        const where = { organizationId: record.organizationId, id: record.assetId };
        const asset = await tx.query.assets.findFirst({ where, with: { workOrders: true } });
        const title: string | undefined = asset?.workOrders[0]?.title;
        const teams: readonly string[] = actor.teamIds;
        const region: string | null = actor.region;
        const [team] = await tx.select({ name: tables.teams.name }).from(tables.teams);
        const updated = await change({ assigneeId: input.technicianId, status: "assigned" });
        await emit(workOrderAssigned, { id: record.id, technicianId: input.technicianId });
        const due: Date | null = updated.dueAt;
        void [title, teams, region, team?.name.length];
        return { id: updated.id, dueAt: due };
      },
    },
    start: {
      async run({ input, change }) {
        const nothing: undefined = input;
        await change({ status: "in_progress", description: nothing ?? null });
      },
    },
    close,
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
