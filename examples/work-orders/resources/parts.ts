import { resource } from "../domain.ts";

export const parts = resource("parts", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true },
    // Who stands at the shelf counts it, and takes from it: actions/complete.ts does so as them.
    technician: { read: true, update: { fields: ["stock"] } },
  },
});
