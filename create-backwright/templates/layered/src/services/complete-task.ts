// POST /v1/tasks/<id>/complete: what completing a task means, in one transaction.
import { action } from "../config/domain.ts";

export const complete = action("tasks", {
  async run({ change }) {
    await change({ status: "done" });
  },
});
