import { me, resource } from "../domain.ts";

export const meterReadings = resource("meterReadings", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true },
    technician: {
      read: true,
      create: { fields: ["meterId", "value", "readAt"], set: { readerId: me.id } },
    },
  },
  aggregates: {
    groupBy: ["meterId", "readAt"],
    avg: ["value"],
    min: ["value", "readAt"],
    max: ["value", "readAt"],
  },
});
