import { resource } from "../domain.ts";

export const assets = resource("assets", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true },
    technician: { read: true, update: { fields: ["serialNumber"] } },
    requester: { read: { fields: ["id", "name", "siteId"] } },
  },
});
