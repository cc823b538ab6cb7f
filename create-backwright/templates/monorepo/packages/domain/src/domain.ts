// Who exists, and what is known about a caller.
import { type DomainOf, define } from "backwright";
import { relations } from "./relations.ts";
import { companies } from "./schema.ts";

const domain = define({ relations, tenant: companies, roles: ["owner", "member"] });

export interface App extends DomainOf<typeof domain> {}
export const { resource, rows, me, backend } = domain.as<App>();
