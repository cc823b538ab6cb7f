import { BackwrightError, now } from "backwright";
import { z } from "zod";
import { me, resource, rows } from "../domain.ts";
import { workOrderAssigned } from "../events.ts";

const mine = rows("workOrders", { assigneeId: me.id });
const ofMyTeam = rows("workOrders", { or: [mine, { teamId: { in: me.teamIds } }] });
const requestedByMe = rows("workOrders", { requesterId: me.id });
const publicPlaces = rows("workOrders", { site: { isPublic: true } });

export const workOrders = resource("workOrders", {
  scope: "tenant",
  search: ["title", "description"],
  access: {
    manager: "all",
    dispatcher: { read: true, create: true, update: true },
    technician: {
      read: { rows: ofMyTeam },
      update: { rows: mine, fields: ["status", "description", "internalNotes", "closedAt"] },
      actions: ["start", "complete"],
    },
    requester: {
      read: {
        rows: requestedByMe,
        fields: [
          "id",
          "title",
          "description",
          "status",
          "priority",
          "siteId",
          "assetId",
          "categoryId",
          "requesterId",
          "reportedAt",
          "dueAt",
          "closedAt",
          "createdAt",
          "updatedAt",
          "version",
        ],
      },
      create: {
        fields: ["title", "description", "siteId", "assetId", "categoryId"],
        set: { requesterId: me.id },
      },
    },
    viewer: {
      read: {
        rows: publicPlaces,
        fields: ["id", "title", "status", "priority", "siteId", "reportedAt", "dueAt", "closedAt"],
      },
    },
  },
  states: {
    status: {
      open: ["assigned", "on_hold", "cancelled"],
      assigned: ["open", "in_progress", "on_hold", "cancelled"],
      in_progress: ["on_hold", "done", "cancelled"],
      on_hold: ["open", "assigned", "in_progress", "cancelled"],
      done: [],
      cancelled: [],
    },
  },
  aggregates: {
    groupBy: [
      "status",
      "priority",
      "siteId",
      "categoryId",
      "teamId",
      "assigneeId",
      "reportedAt",
      "closedAt",
    ],
    min: ["reportedAt", "dueAt"],
    max: ["reportedAt", "closedAt"],
  },
  actions: {
    assign: {
      input: z.object({ technicianId: z.uuid() }),
      access: ["manager", "dispatcher"],
      async run({ record, input, change, emit }) {
        await change({ assigneeId: input.technicianId, status: "assigned" });
        await emit(workOrderAssigned, { id: record.id, technicianId: input.technicianId });
      },
    },
    start: {
      async run({ record, actor, change }) {
        requireMine(record, actor);
        await change({ status: "in_progress" });
      },
    },
    complete: {
      input: z.object({ note: z.string().max(1_000).optional() }),
      output: z.object({ id: z.uuid(), closedAt: z.date() }),
      async run({ record, input, actor, change }) {
        requireMine(record, actor);
        const closedAt = new Date(now());
        const notes = [record.internalNotes, input.note].filter((text) => text != null);
        await change({ status: "done", closedAt, internalNotes: notes.join("\n") || null });
        return { id: record.id, closedAt };
      },
    },
  },
});

/** A technician sees the work of the whole team, but does only their own. */
function requireMine(
  { assigneeId }: { readonly assigneeId: string | null },
  actor: { readonly id: string; readonly role: string },
): void {
  if (actor.role === "technician" && assigneeId !== actor.id)
    throw new BackwrightError("FORBIDDEN");
}
