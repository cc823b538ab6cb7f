// The tables: plain Drizzle. Every tenant table starts with the organization that owns its rows,
// and a key between two of them carries it, so that no row can refer to another organization's.
export { organizations } from "./schema/organizations.ts";
export { skills, teamMembers, teams, userSkills, users } from "./schema/people.ts";
export { assets, meterReadings, meters, schedules, sites } from "./schema/places.ts";
export { parts, partsUsed } from "./schema/stock.ts";
export {
  categories,
  checklistItems,
  comments,
  workOrderCounters,
  workOrders,
} from "./schema/work.ts";
