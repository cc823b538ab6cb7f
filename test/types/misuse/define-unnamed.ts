// Mistakes that are made before the domain has a name, so that messages spell the schema out.
import { define } from "../../../src/model/define.ts";
import { relations } from "../app/relations.ts";
import { organizations as tenant } from "../app/schema.ts";

const roles = ["manager", "viewer"] as const;

// Mistake: no tenant.
define({ relations, roles });

// Mistake: no roles.
define({ relations, tenant });

// Mistake: no relations.
define({ tenant, roles });

// Mistake: a misspelt option.
define({ relations, tenant, roles, claim: { region: "text" } });

// Mistake: a name for something that is not a domain.
define({ relations, tenant, roles }).as<string>();

// Mistake: something that a definition does not have.
define({ relations, tenant, roles }).resources("users");
