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

export const assets = resource("assets", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true },
    technician: { read: true, update: { fields: ["serialNumber"] } },
    requester: { read: { fields: ["id", "name", "siteId"] } },
  },
});

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
