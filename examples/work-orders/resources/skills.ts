import { resource } from "../domain.ts";

export const skills = resource("skills", {
  scope: "tenant",
  access: { manager: "all", dispatcher: { read: true }, technician: { read: true } },
});
