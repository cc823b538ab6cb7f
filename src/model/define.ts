// The factory of the declaration API: `define` takes what is true of the whole backend and returns
// the functions that declare the rest. Makes frozen data; compiling and checking it come later.
import type { AnyRelations } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { StartError } from "../base/errors.ts";
import type { Definition } from "./declare.ts";
import {
  BUILT_IN_CLAIMS,
  type ClaimKind,
  type ClaimKinds,
  type Claims,
  type ClaimTypes,
  checkedClaims,
  createClaim,
  isClaimRef,
} from "./declare-claims.ts";
import type {
  AnyAction,
  AnyBackend,
  AnyDomain,
  AnyEvent,
  AnyResource,
  AnyResourceOptions,
  AnyRows,
  AnySchema,
} from "./declare-untyped.ts";

export interface DefineOptions<Role, C, R> {
  /** Drizzle's `defineRelations(schema, …)`: also says which tables there are. */
  readonly relations: R;
  /** The table of tenants: everything else belongs to one of its rows, or is global. */
  readonly tenant: PgTable;
  readonly roles: readonly Role[];
  /** What is known of a caller beside `id` and `tenantId`. */
  readonly claims?: C & ClaimTypes<C>;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * A copy of plain objects, arrays and dates, frozen as deep as it goes; all else is kept as it is.
 * Throws StartError at `undefined`: inside a filter it would silently drop a condition.
 */
function frozenCopy<T>(value: T, path: string): T;
function frozenCopy(value: unknown, path: string): unknown {
  if (value === undefined) {
    throw new StartError(`${path} is undefined.`, {
      fix: "Give it a value, or leave the key out where nothing is meant.",
    });
  }
  if (typeof value !== "object" || value === null || isClaimRef(value)) return value;
  if (Array.isArray(value)) {
    return Object.freeze(value.map((entry, index) => frozenCopy(entry, `${path}[${index}]`)));
  }
  // A date cannot be frozen; the copy is out of the caller's reach.
  if (value instanceof Date) return new Date(value);
  if (!isPlain(value)) return value;
  const entries = Object.entries(value).map(
    ([key, entry]) => [key, frozenCopy(entry, `${path}.${key}`)] as const,
  );
  return Object.freeze(Object.fromEntries(entries));
}

function createMe(domain: AnyDomain): Readonly<Record<string, unknown>> {
  const kinds: Record<string, ClaimKind> = { ...BUILT_IN_CLAIMS };
  for (const [name, source] of Object.entries(domain.claims)) {
    kinds[name] = typeof source === "string" ? source : source.type;
  }
  const claims = Object.entries(kinds).map(([name, kind]) => [name, createClaim(name, kind)]);
  return Object.freeze(Object.fromEntries(claims));
}

interface UntypedDefinition {
  readonly domain: AnyDomain;
  as(): UntypedDefinition;
  readonly me: Readonly<Record<string, unknown>>;
  rows(table: string, filter: AnyRows): AnyRows;
  resource(table: string, options: AnyResourceOptions): AnyResource;
  action(table: string, options: AnyAction): AnyAction;
  event(name: string, payload: AnySchema): AnyEvent;
  backend(options: Omit<AnyBackend, "kind" | "domain">): AnyBackend;
}

// What a broker's topic and a log line can carry.
const EVENT_NAME = /^[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*$/;

function createEvent(name: string, payload: AnySchema): AnyEvent {
  if (!EVENT_NAME.test(name)) {
    throw new StartError(`event("${name}") is not a name for an event.`, {
      fix: 'Write words of letters, digits and _ with dots between: "workOrder.assigned".',
    });
  }
  return Object.freeze({ kind: "event", name, payload });
}

function createDefinition(domain: AnyDomain): UntypedDefinition {
  const definition: UntypedDefinition = {
    domain,
    as: () => definition,
    me: createMe(domain),
    rows: (table, filter) => frozenCopy(filter, `rows("${table}")`),
    resource(name, options) {
      const copy = frozenCopy(options, `resource("${name}")`);
      return Object.freeze({ kind: "resource", name, options: copy, domain });
    },
    action: (table, options) => frozenCopy({ ...options, table }, `action("${table}")`),
    event: createEvent,
    backend({ name, resources, versions }) {
      const copy = Object.freeze({ ...resources });
      const older = versions && { versions: frozenCopy(versions, "backend.versions") };
      return Object.freeze({ kind: "backend", name, resources: copy, ...older, domain });
    },
  };
  return Object.freeze(definition);
}

/**
 * Declares what is true of the whole backend: tables and their relations, the table of tenants,
 * the roles, and what is known of a caller. Name the result at once, so that messages stay short:
 *
 *     interface App extends DomainOf<typeof domain> {}
 *     export const { resource, rows, me, backend } = domain.as<App>();
 *
 * Throws StartError for a claim that cannot be what it says; all else is checked when the backend
 * starts.
 */
export function define<
  const R extends AnyRelations,
  const Role extends string,
  const C extends Claims = Record<never, never>,
>(
  options: DefineOptions<Role, C, R>,
): Definition<{ relations: R; role: Role; claims: ClaimKinds<C> }> {
  const domain: AnyDomain = Object.freeze({
    relations: options.relations,
    tenant: options.tenant,
    roles: Object.freeze([...options.roles]),
    claims: checkedClaims(options.claims ?? {}),
  });
  // The types are all that a definition adds to what runs.
  return createDefinition(domain) as Definition<{
    relations: R;
    role: Role;
    claims: ClaimKinds<C>;
  }>;
}
