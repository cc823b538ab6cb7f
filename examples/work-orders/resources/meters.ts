import { resource } from "../domain.ts";

export const meters = resource("meters", {
  scope: "tenant",
  access: { manager: "all", dispatcher: { read: true }, technician: { read: true } },
});
