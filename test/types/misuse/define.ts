import { define } from "../../../src/model/define.ts";
import { relations } from "../app/relations.ts";
import { teamMembers, teams, organizations as tenant } from "../app/schema.ts";

const roles = ["manager", "viewer"] as const;

// Mistake: a misspelt kind of claim.
define({ relations, tenant, roles, claims: { teamIds: "uid[]" } });

// Mistake: a claim that is built in.
define({ relations, tenant, roles, claims: { tenantId: "uuid" } });

// Mistake: a looked-up claim of another type than its column.
define({
  relations,
  tenant,
  roles,
  claims: { teams: { type: "uuid[]", column: teams.name, where: teamMembers.userId } },
});

// Mistake: a misspelt kind of a looked-up claim.
define({
  relations,
  tenant,
  roles,
  claims: { teamIds: { type: "uid[]", column: teamMembers.teamId, where: teamMembers.userId } },
});

// Mistake: a misspelt word of a looked-up claim.
define({
  relations,
  tenant,
  roles,
  claims: { teamIds: { type: "uuid[]", colunm: teamMembers.teamId, where: teamMembers.userId } },
});

// Mistake: one role instead of a list.
define({ relations, tenant, roles: "manager" });

// Mistake: the name of the tenant table instead of the table.
define({ relations, tenant: "organizations", roles });
