import type { ContractOf } from "backwright";
import { backend } from "./domain.ts";
import { assets } from "./resources/assets.ts";
import { categories } from "./resources/categories.ts";
import { checklistItems } from "./resources/checklist-items.ts";
import { comments } from "./resources/comments.ts";
import { meterReadings } from "./resources/meter-readings.ts";
import { meters } from "./resources/meters.ts";
import { parts } from "./resources/parts.ts";
import { partsUsed } from "./resources/parts-used.ts";
import { schedules } from "./resources/schedules.ts";
import { sites } from "./resources/sites.ts";
import { skills } from "./resources/skills.ts";
import { teams } from "./resources/teams.ts";
import { userSkills } from "./resources/user-skills.ts";
import { users } from "./resources/users.ts";
import { workOrders } from "./resources/work-orders.ts";

const app = backend({
  name: "work-orders",
  resources: {
    workOrders,
    comments,
    checklistItems,
    partsUsed,
    parts,
    assets,
    meters,
    meterReadings,
    schedules,
    sites,
    categories,
    teams,
    users,
    skills,
    userSkills,
  },
});

export default app;
export interface Api extends ContractOf<typeof app> {}
