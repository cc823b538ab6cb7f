import { me, resource } from "../domain.ts";

export const userSkills = resource("userSkills", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true },
    technician: { read: { rows: { userId: me.id } } },
  },
});
