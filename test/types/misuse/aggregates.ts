import type { Client } from "../../../src/client/index.ts";
import type { Api } from "../app/resources.ts";

declare const client: Client<Api>;

// Mistake: a group that is not declared.
await client.workOrders.aggregate({ groupBy: ["titel"], count: true });

// Mistake: a bucket of a field that is no time.
await client.workOrders.aggregate({ groupBy: ["status.month"], count: true });

// Mistake: a figure that is not declared.
await client.workOrders.aggregate({ sum: ["title"] });

// Mistake: a sort by what is no figure.
await client.workOrders.aggregate({ count: true, sort: "-cuont" });

// Mistake: a resource without aggregates.
await client.assets.aggregate({ count: true });

const { data } = await client.workOrders.aggregate({ groupBy: ["status"], count: true });

// Mistake: a figure that was not asked for.
void data[0]?.sum;

// Mistake: a group that was not asked for.
void data[0]?.group.dueAt;
