import type { ContractOf } from "backwright";
import { backend } from "./domain.ts";
import { assets } from "./resources/assets.ts";
import { categories } from "./resources/categories.ts";
import { sites } from "./resources/sites.ts";
import { teams } from "./resources/teams.ts";
import { users } from "./resources/users.ts";
import { workOrders } from "./resources/work-orders.ts";

const app = backend({
  name: "work-orders",
  resources: { workOrders, assets, sites, categories, teams, users },
});

export default app;
export interface Api extends ContractOf<typeof app> {}
