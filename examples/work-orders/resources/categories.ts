import { resource } from "../domain.ts";

export const categories = resource("categories", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true, create: true },
    technician: { read: true },
    requester: { read: { fields: ["id", "name"] } },
    viewer: { read: { fields: ["id", "name"] } },
  },
});
