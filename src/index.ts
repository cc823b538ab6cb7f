// The public door: everything that an application imports from "backwright".

import type { MountedApi, MountOptions } from "./app/mount.ts";
import type { Backend } from "./model/declare.ts";

export type { MountedApi, MountOptions } from "./app/mount.ts";
export type { SeedContext } from "./app/seed.ts";
export { now } from "./base/clock.ts";
export { BackwrightError, type ErrorCode, type ErrorDetail, StartError } from "./base/errors.ts";
export { newId } from "./base/ids.ts";
// Mostly not written by anybody, but named by the declarations that `tsc --declaration` makes:
// without them it refuses to export what is made of them.
export type { StateBuilder } from "./model/columns.ts";
export { id, softDeleted, state, tracked } from "./model/columns.ts";
export type { ContractOf } from "./model/contract.ts";
export type {
  Aggregates,
  Backend,
  BackendOptions,
  Definition,
  DomainOf,
  Me,
  Resource,
  ResourceNamed,
  ResourceOptions,
  Rows,
} from "./model/declare.ts";
export type { Action, ActionContext, ActionTypes, Event, Schema } from "./model/declare-actions.ts";
export type { ClaimKinds } from "./model/declare-claims.ts";
export type { Field, TableName } from "./model/declare-tables.ts";
export { define } from "./model/define.ts";
export { searchIndex } from "./model/search-index.ts";

/**
 * Serves a backend inside an Express 5, Fastify 5 or plain Node server that is there already, all
 * of it or one resource at a time. Settings come from the environment, as for `backwright start`.
 * Throws StartError, with everything that was opened closed again.
 */
export async function mount<Rs>(
  backend: Backend<Rs>,
  options: MountOptions<keyof Rs & string> = {},
): Promise<MountedApi> {
  // Loaded when it is called: a schema that imports "backwright" needs no server.
  const { mountBackend } = await import("./app/mount.ts");
  return mountBackend(backend, options);
}
