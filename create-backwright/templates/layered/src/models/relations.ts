// How records lead to each other: the names in `include` and in policies.
import { defineRelations } from "drizzle-orm";
import * as schema from "./schema.ts";

export const relations = defineRelations(schema);
