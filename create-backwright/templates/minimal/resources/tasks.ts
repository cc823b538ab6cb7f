// Who may do what to tasks: a role that is not named may do nothing.
import { BackwrightError } from "backwright";
import { me, resource, rows } from "../domain.ts";

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
  actions: {
    // POST /v1/tasks/<id>/complete
    complete: {
      async run({ record, actor, change }) {
        if (actor.role === "member" && record.createdBy !== actor.id) {
          throw new BackwrightError("FORBIDDEN", { message: "This task is somebody else's." });
        }
        await change({ status: "done" });
      },
    },
  },
});
