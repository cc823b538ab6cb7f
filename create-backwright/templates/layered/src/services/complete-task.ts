// POST /v1/tasks/<id>/complete: what completing a task means, in one transaction.
import { BackwrightError } from "backwright";
import { action } from "../config/domain.ts";

export const complete = action("tasks", {
  async run({ record, actor, change }) {
    if (actor.role === "member" && record.createdBy !== actor.id) {
      throw new BackwrightError("FORBIDDEN", { message: "This task is somebody else's." });
    }
    await change({ status: "done" });
  },
});
