// What a declaration says about the life of its API: what will go, and what older versions call
// differently. Types only.

/** Operations of a resource beside its actions, as the OpenAPI document names them. */
export type OperationName =
  | ("list" | "get" | "create" | "update" | "delete" | "restore" | "upsert" | "aggregate")
  | ("bulkCreate" | "bulkUpdate" | "bulkDelete");

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
  readonly fields?: Deprecated<F>;
  readonly operations?: Deprecated<OperationName | A>;
}
export type Deprecated<Name extends string> = { readonly [K in Name]?: Deprecation };

/** What an older version calls differently, or does not have. The newest is the model itself. */
export interface VersionChanges<F extends string = string, A extends string = string> {
  /** The resource's name in that version: `jobs` is served at `/v1/jobs`. */
  readonly as?: string;
  /** Field → its name in that version. */
  readonly rename?: { readonly [K in F]?: string };
  /** Fields that the version does not know. */
  readonly omit?: readonly F[];
  /** Operations and actions that the version does not have. */
  readonly omitOperations?: readonly (OperationName | A)[];
}

/** A version of the API. With `since` it is deprecated, and every reply says so. */
export interface VersionOptions<Changes> {
  readonly since?: string;
  readonly sunset?: string;
  readonly link?: string;
  /** `false`: the version does not have the resource. */
  readonly resources?: Changes;
}

export type AnyVersions = {
  readonly [version: string]: VersionOptions<{
    readonly [resource: string]: false | VersionChanges;
  }>;
};
