import { id, state, tracked } from "../../../src/model/columns.ts";
import type { Api } from "../app/resources.ts";

// Mistake: no states.
state([]);

// Mistake: a name without states.
state("status");

// Mistake: a default that is not among the states.
state(["open", "done"]).notNull().default("opn");

// Mistake: a state that is not a text.
state("status", ["open", 1]);

// Mistake: options for an id, which has none.
id({ name: "id" });

// Mistake: a number as the default of an id.
id().default(1);

// Mistake: a prefix for tracked columns, which are always named alike.
tracked("row_");

// Mistake: a hidden field in the contract.
export type Hash = Api["users"]["fields"]["passwordHash"];

// Mistake: a link to a table that is not served.
export type Team = Api["workOrders"]["links"]["team"];

// Mistake: a value that the server keeps, in a request body.
export const body: Api["workOrders"]["write"] = { version: 2 };

// Mistake: an empty value for a required field, in a request body.
export const empty: Api["workOrders"]["write"] = { title: null };
