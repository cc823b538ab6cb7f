// Who belongs to what. The first of the parts: defineRelations knows every table.
import { defineRelations } from "drizzle-orm";
import * as schema from "../schema.ts";

export const people = defineRelations(schema, (r) => ({
  users: {
    skills: r.many.skills({
      from: r.users.id.through(r.userSkills.userId),
      to: r.skills.id.through(r.userSkills.skillId),
    }),
  },
  teams: {
    members: r.many.users({
      from: r.teams.id.through(r.teamMembers.teamId),
      to: r.users.id.through(r.teamMembers.userId),
    }),
  },
  userSkills: {
    user: r.one.users({
      from: [r.userSkills.organizationId, r.userSkills.userId],
      to: [r.users.organizationId, r.users.id],
      optional: false,
    }),
    skill: r.one.skills({
      from: [r.userSkills.organizationId, r.userSkills.skillId],
      to: [r.skills.organizationId, r.skills.id],
      optional: false,
    }),
  },
}));
