import type { ContractOf } from "backwright";
import { backend } from "./domain.ts";
import { teams, users } from "./resources/people.ts";
import { assets, categories, sites } from "./resources/places.ts";
import { workOrders } from "./resources/work-orders.ts";

const app = backend({
  name: "work-orders",
  resources: { workOrders, assets, sites, categories, teams, users },
});

export default app;
export interface Api extends ContractOf<typeof app> {}
