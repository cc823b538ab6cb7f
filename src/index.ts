// The public door: everything that an application imports from "backwright".

export type { SeedContext } from "./app/seed.ts";
export { now } from "./base/clock.ts";
export { BackwrightError, type ErrorCode, type ErrorDetail, StartError } from "./base/errors.ts";
export { newId } from "./base/ids.ts";
export { id, softDeleted, state, tracked } from "./model/columns.ts";
export type { ContractOf } from "./model/contract.ts";
export type { DomainOf } from "./model/declare.ts";
export type { ActionContext } from "./model/declare-actions.ts";
export { define } from "./model/define.ts";
export { searchIndex } from "./model/search-index.ts";
