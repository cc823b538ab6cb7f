import { addMember, removeMember } from "../actions/members.ts";
import { resource } from "../domain.ts";

export const teams = resource("teams", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true, create: true },
    technician: { read: true },
  },
  actions: { addMember, removeMember },
});
