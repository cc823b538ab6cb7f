import { issue } from "../actions/issue.ts";
import { resource } from "../domain.ts";

export const schedules = resource("schedules", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true, update: { fields: ["nextDueOn"] } },
    technician: { read: true },
  },
  actions: { issue },
});
