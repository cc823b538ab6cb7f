import { resource, rows } from "../domain.ts";

const publicPlaces = rows("sites", { isPublic: true });

export const sites = resource("sites", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true, create: true },
    technician: { read: true },
    requester: { read: { fields: ["id", "name", "address"] } },
    viewer: { read: { rows: publicPlaces, fields: ["id", "name"] } },
  },
});
