// What every app of this repository shares: tables, relations, roles.
export { backend, me, resource, rows } from "./domain.ts";
export { relations } from "./relations.ts";
export * as tables from "./schema.ts";
