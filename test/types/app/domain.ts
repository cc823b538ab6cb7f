import type { DomainOf } from "../../../src/model/declare.ts";
import { define } from "../../../src/model/define.ts";
import { relations } from "./relations.ts";
import { organizations, teamMembers } from "./schema.ts";

const domain = define({
  relations,
  tenant: organizations,
  roles: ["manager", "dispatcher", "technician", "requester"],
  claims: {
    teamIds: { type: "uuid[]", column: teamMembers.teamId, where: teamMembers.userId },
    region: "text",
    onCall: "boolean",
    level: "integer",
  },
});

export interface App extends DomainOf<typeof domain> {}
export const { resource, action, event, rows, me, backend } = domain.as<App>();
