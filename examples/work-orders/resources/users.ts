import { me, resource, rows } from "../domain.ts";

const myself = rows("users", { id: me.id });

export const users = resource("users", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: { fields: ["id", "name", "phone"] } },
    technician: { read: { fields: ["id", "name"] }, update: { rows: myself, fields: ["phone"] } },
    requester: { read: { rows: myself }, update: { rows: myself, fields: ["name", "phone"] } },
  },
});
