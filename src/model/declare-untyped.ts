// Declarations as they stand at run time, without the domain in their types. The compiler of the
// model reads these; users write through declare.ts, whose types are narrower.
import type { AnyRelations } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import type { ClaimSource } from "./declare-claims.ts";
import type { AnyVersions, Deprecations } from "./declare-contract.ts";

export interface AnyDomain {
  readonly relations: AnyRelations;
  readonly tenant: PgTable;
  readonly roles: readonly string[];
  /** Declared claims by name; the built-in `id` and `tenantId` are not among them. */
  readonly claims: Readonly<Record<string, ClaimSource>>;
}

/** A filter: field or relation names, `and`, `or`, `not`. Values may be claims (`isClaimRef`). */
export interface AnyRows {
  readonly [key: string]: unknown;
}

export interface AnyGrant {
  readonly rows?: AnyRows;
  readonly fields?: readonly string[];
}

export interface AnyCreateGrant extends AnyGrant {
  readonly set?: { readonly [field: string]: unknown };
}

export interface AnyUpdateGrant extends AnyGrant {
  readonly after?: AnyRows;
}

export interface AnyDeleteGrant {
  readonly rows?: AnyRows;
}

export interface AnyVerbs {
  readonly read?: true | AnyGrant;
  readonly create?: true | AnyCreateGrant;
  readonly update?: true | AnyUpdateGrant;
  readonly delete?: true | AnyDeleteGrant;
  readonly actions?: readonly string[];
}

export type Scope = "tenant" | "global";

/** As much of a Zod schema as its type tells. */
export interface AnySchema {
  readonly _zod: { readonly output: unknown };
}

export interface AnyEvent {
  readonly kind: "event";
  readonly name: string;
  readonly payload: AnySchema;
}

/** What `run` is called with; `record` and what `change` returns are rows as Drizzle reads them. */
export interface AnyActionContext {
  readonly record: Readonly<Record<string, unknown>>;
  readonly input: unknown;
  readonly actor: Readonly<Record<string, unknown>>;
  change(patch: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>>;
  emit(event: AnyEvent, payload: unknown): Promise<void>;
  readonly ops: unknown;
  readonly tx: unknown;
}

export interface AnyAction {
  readonly input?: AnySchema;
  readonly output?: AnySchema;
  readonly access?: readonly string[];
  readonly table?: string;
  // A method, so that actions with narrower contexts are actions, too.
  run(context: AnyActionContext): Promise<unknown>;
}

export interface AnyResourceOptions {
  readonly scope: Scope;
  readonly access: { readonly [role: string]: "all" | AnyVerbs };
  readonly hidden?: readonly string[];
  readonly states?: {
    readonly [field: string]: { readonly [state: string]: readonly string[] };
  };
  readonly search?: readonly string[];
  readonly actions?: { readonly [name: string]: AnyAction };
  readonly deprecated?: Deprecations<string, string>;
  readonly aggregates?: object | undefined;
}

export interface AnyResource {
  readonly kind: "resource";
  readonly name: string;
  readonly options: AnyResourceOptions;
  readonly domain: AnyDomain;
}

export interface AnyBackend {
  readonly kind: "backend";
  readonly name: string;
  readonly resources: { readonly [name: string]: AnyResource };
  readonly versions?: AnyVersions;
  readonly domain: AnyDomain;
}
