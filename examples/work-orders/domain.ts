// Who exists, and what is known about a caller. Imports no resource, so there is no circle.
import { type DomainOf, define } from "backwright";
import { relations } from "./relations.ts";
import { organizations, teamMembers } from "./schema.ts";

const domain = define({
  relations,
  tenant: organizations,
  roles: ["manager", "dispatcher", "technician", "requester", "viewer"],
  claims: {
    /** The teams that the caller is a member of. */
    teamIds: { type: "uuid[]", column: teamMembers.teamId, where: teamMembers.userId },
  },
});

export interface App extends DomainOf<typeof domain> {}
export const { resource, action, event, rows, me, backend } = domain.as<App>();
