// /v1/tasks: who may do what. A role that is not named may do nothing.
import { me, resource, rows } from "../config/domain.ts";
import { complete } from "../services/complete-task.ts";

const mine = rows("tasks", { createdBy: me.id });

export const tasks = resource("tasks", {
  scope: "tenant",
  access: {
    owner: "all",
    member: {
      read: true,
      create: { fields: ["title", "dueAt"], set: { createdBy: me.id } },
      update: { rows: mine, fields: ["title", "dueAt"] },
      actions: ["complete"],
    },
  },
  states: { status: { open: ["done"], done: ["open"] } },
  actions: { complete },
});
