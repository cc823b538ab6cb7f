// What a declaration says about the life of its API: what will go, and what older versions call
// differently. Types only.

/** Operations of a resource beside its actions, as the OpenAPI document names them. */
export type OperationName = "list" | "get" | "create" | "update" | "delete" | "restore";

/** Days are written `2027-01-31` and begin at midnight UTC. */
export interface Deprecation {
  /** The day since which it should not be used any more. */
  readonly since: string;
  /** The day on which it is to go. Nothing goes by itself: this is what callers are told. */
  readonly sunset?: string;
  /** The field or operation of the same resource that takes its place. */
  readonly use?: string;
  /** A page about it, for callers. */
  readonly link?: string;
}

/** `F`: the resource's fields; `A`: its actions. */
export interface Deprecations<F extends string, A extends string> {
  readonly fields?: { readonly [K in F]?: Deprecation };
  readonly operations?: { readonly [K in OperationName | A]?: Deprecation };
}
