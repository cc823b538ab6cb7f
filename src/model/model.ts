// The compiled model: what a backend declares, checked and joined with what its tables say.
// Frozen data that every later stage reads; nothing after the start looks at Drizzle again, but
// for the records and the `tx` that actions are given.
//
// Glossary. Resource: a table that the API serves. Field: a column under its API name. Relation:
// a way from one record to another. Policy (`access`): who may do what to which rows and fields.
// Claim: a value that is known about the caller. Wall: row-level security between tenants.
import type { AnyRelations } from "drizzle-orm";
import type { z } from "zod";
import type { Deprecation } from "./declare-contract.ts";
import type { AnyAction } from "./declare-untyped.ts";
import type { FieldType } from "./field-type.ts";

export interface Model {
  readonly name: string;
  /** The version of the API, such as v1. */
  readonly version: string;
  /** Of the whole version. */
  readonly deprecation: Deprecation | undefined;
  /** Older versions of the API, newest first: the same backend under other names. */
  readonly older: readonly Model[];
  readonly roles: readonly string[];
  readonly claims: ReadonlyMap<string, ClaimModel>;
  /** Every table that the relations name, by its schema key. */
  readonly tables: ReadonlyMap<string, TableModel>;
  /** By the key of their table, which is their name in declarations. */
  readonly resources: ReadonlyMap<string, ResourceModel>;
  /** The table whose rows are the tenants. */
  readonly tenant: TableModel;
  /** What Drizzle knows: for the code of actions alone. */
  readonly relations: AnyRelations;
}

/** A claim carried by the credential, or the values of `column` where `where` is the subject. */
export interface ClaimModel {
  readonly name: string;
  readonly sql: string;
  readonly lookup:
    | { readonly table: TableModel; column: FieldModel; where: FieldModel }
    | undefined;
}

export interface FieldModel {
  /** Name in this version of the API. */
  readonly name: string;
  /** Name in declarations, the audit log and events. */
  readonly ownName: string;
  /** Name in PostgreSQL. */
  readonly column: string;
  /** Undefined: a type that the API cannot carry; only hidden fields may be so. */
  readonly type: FieldType | undefined;
  readonly sqlType: string;
  readonly nullable: boolean;
  /** PostgreSQL or Node fills it when a create leaves it out. */
  readonly hasDefault: boolean;
  /** Makes the default in Node, where the column declares one. */
  readonly makeDefault: (() => unknown) | undefined;
  /** Written by Backwright alone: id, tenant, createdAt, updatedAt, version. */
  readonly managed: boolean;
  /** The allowed values of a state field. */
  readonly values: readonly string[] | undefined;
}

/** A to-one relation: `key` is the field that holds the reference. */
export interface RelationModel {
  readonly kind: "one";
  readonly name: string;
  readonly key: string;
  readonly target: string;
  readonly targetKey: string;
  readonly optional: boolean;
}

/** A to-many relation: `key` is the field over there that holds this record's id. */
export interface ManyRelationModel {
  readonly kind: "many";
  readonly name: string;
  /** A field of the target, or of the join table that `through` names. */
  readonly key: string;
  readonly target: string;
  /** The join table, and its field that holds the target's id. */
  readonly through: { readonly table: string; readonly targetKey: string } | undefined;
}

export type AnyRelationModel = RelationModel | ManyRelationModel;

export interface IndexKey {
  readonly field: string;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export interface IndexModel {
  readonly name: string;
  readonly unique: boolean;
  readonly keys: readonly IndexKey[];
}

/**
 * A GIN index behind the tenant: it finds rows by a part of a value. `trigrams` for like and ilike,
 * `members` for contains of arrays and jsonb, `words` for the search of a resource.
 */
export type PartIndex =
  | { readonly kind: "trigrams" | "members"; readonly name: string; readonly field: string }
  | {
      readonly kind: "words";
      readonly name: string;
      readonly fields: readonly string[];
      readonly language: string;
    };

/** Which fields the parameter `q` searches, those first in which a word counts most. */
export interface SearchModel {
  readonly fields: readonly FieldModel[];
  /** A text search configuration of PostgreSQL. */
  readonly language: string;
}

export interface TableModel {
  readonly key: string;
  readonly schema: string | undefined;
  readonly sqlName: string;
  readonly fields: ReadonlyMap<string, FieldModel>;
  /** The field that names the tenant; `id` on the tenant table itself; undefined: global. */
  readonly tenantField: FieldModel | undefined;
  /** The field that marks a row as deleted: such rows are seen by nobody until restored. */
  readonly deletedField: FieldModel | undefined;
  /** The field that every change raises; a version of the API that omits it keeps it up as well. */
  readonly versionField: FieldModel | undefined;
  /** The field that holds when the row was last changed. */
  readonly updatedField: FieldModel | undefined;
  readonly relations: ReadonlyMap<string, RelationModel>;
  readonly manyRelations: ReadonlyMap<string, ManyRelationModel>;
  /** Usable B-tree indexes: no expressions, not partial. */
  readonly indexes: readonly IndexModel[];
  readonly partIndexes: readonly PartIndex[];
  /** The field that holds a reference → the table that it points to (composite keys resolved). */
  readonly references: ReadonlyMap<string, string>;
}

export interface ResourceModel {
  /** Name in this version of the API. */
  readonly name: string;
  /** Name in declarations, the audit log and events; the key of its table. */
  readonly ownName: string;
  /** kebab-case, as in the address. */
  readonly path: string;
  /** Operations that this version of the API does not have. */
  readonly omitted: "all" | ReadonlySet<string>;
  readonly scope: "tenant" | "global";
  readonly table: TableModel;
  /** Fields that a role can be granted: all but the hidden ones and the tenant's. */
  readonly served: readonly FieldModel[];
  /** Fields that the audit log and events hold: those that are served in the newest version. */
  readonly recorded: readonly FieldModel[];
  /** field → state → states that it may move to. */
  readonly states: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;
  readonly search: SearchModel | undefined;
  readonly actions: ReadonlyMap<string, ActionModel>;
  /** Undefined: there are none to be asked for. */
  readonly aggregates: AggregatesModel | undefined;
  readonly deprecated: DeprecatedModel;
  readonly access: ReadonlyMap<string, RoleAccess>;
}

/** By name. */
export interface DeprecatedModel {
  readonly fields: ReadonlyMap<string, Deprecation>;
  readonly operations: ReadonlyMap<string, Deprecation>;
}

export const MEASURES = ["sum", "avg", "min", "max"] as const;
export type Measure = (typeof MEASURES)[number];
export const BUCKETS = ["day", "week", "month", "quarter", "year"] as const;
export type Bucket = (typeof BUCKETS)[number];

/** What of a resource may be counted and summed up, by those who may read the fields. */
export interface AggregatesModel {
  readonly groupBy: readonly FieldModel[];
  readonly measures: Readonly<Record<Measure, readonly FieldModel[]>>;
}

/** Something that is done to one record, as one transaction. */
export interface ActionModel {
  readonly name: string;
  /** kebab-case, as in the address. */
  readonly path: string;
  /** Refuses keys that it does not know. Undefined: there is no body, or an empty object. */
  readonly input: z.ZodType | undefined;
  /** Undefined: the reply is the record. */
  readonly output: z.ZodType | undefined;
  readonly run: AnyAction["run"];
}

export interface RoleAccess {
  readonly read: ReadGrant | undefined;
  readonly create: CreateGrant | undefined;
  readonly update: UpdateGrant | undefined;
  /** Also of restoring, where rows are marked rather than removed. */
  readonly delete: DeleteGrant | undefined;
  /** By name; undefined where there is none. */
  readonly actions: ReadonlyMap<string, ActionModel> | undefined;
}

export interface ReadGrant {
  readonly rows: Predicate;
  readonly fields: readonly FieldModel[];
}

export interface CreateGrant {
  /** What the new row must satisfy. */
  readonly rows: Predicate;
  readonly fields: readonly FieldModel[];
  /** Values that the caller cannot choose. */
  readonly set: ReadonlyMap<FieldModel, Operand>;
}

export interface UpdateGrant {
  readonly rows: Predicate;
  /** What must hold after the write. */
  readonly after: Predicate;
  readonly fields: readonly FieldModel[];
}

export interface DeleteGrant {
  readonly rows: Predicate;
}

export type Verb = keyof RoleAccess;

export const COMPARISONS = ["eq", "ne", "lt", "lte", "gt", "gte"] as const;
export type Comparison = (typeof COMPARISONS)[number];
/** Tests of a part of a value: text by a pattern, text, arrays and jsonb by what they contain. */
export const MATCHES = ["like", "ilike", "contains"] as const;
export type Match = (typeof MATCHES)[number];
export const OPERATORS = [...COMPARISONS, "in", "nin", "isNull", ...MATCHES] as const;
export type Operator = (typeof OPERATORS)[number];

/** A constant of the declaration (as PostgreSQL text), or a claim of the caller. */
export type Operand =
  | { readonly kind: "constant"; readonly text: string | null }
  | { readonly kind: "claim"; readonly claim: string };

/**
 * A policy's row condition. `not` and `ne` follow SQL's three-valued logic: a NULL satisfies
 * neither a test nor its negation.
 */
export type Predicate =
  | { readonly kind: "everything" }
  | { readonly kind: "all" | "any"; readonly of: readonly Predicate[] }
  | { readonly kind: "not"; readonly of: Predicate }
  | {
      readonly kind: "compare";
      readonly field: FieldModel;
      readonly operator: Comparison;
      readonly value: Operand;
    }
  | {
      readonly kind: "in";
      readonly field: FieldModel;
      /** Constants, or one claim that is a list. */
      readonly values: readonly Operand[] | { readonly kind: "claim"; readonly claim: string };
    }
  | { readonly kind: "isNull"; readonly field: FieldModel; readonly isNull: boolean }
  | {
      readonly kind: "match";
      readonly field: FieldModel;
      readonly operator: Match;
      /** For text a LIKE pattern, `contains` included. */
      readonly value: Operand;
    }
  | { readonly kind: "related"; readonly relation: AnyRelationModel; readonly where: Predicate };

export const EVERYTHING: Predicate = { kind: "everything" };

/** Whether this version of the API has the operation, whoever may run it. */
export function offers({ omitted }: ResourceModel, operation: string): boolean {
  return omitted !== "all" && !omitted.has(operation);
}

/** workOrders → work-orders */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The field of a table, which the caller knows to exist. */
export function fieldOf(table: TableModel, name: string): FieldModel {
  const field = table.fields.get(name);
  if (field === undefined) throw new Error(`${table.key} has no field ${name}`);
  return field;
}

/** The unique keys of a table within one tenant: their fields without the tenant's. */
export function uniqueKeys(table: TableModel): readonly (readonly FieldModel[])[] {
  return table.indexes
    .filter(({ unique }) => unique)
    .map(({ keys }) => keys.map(({ field }) => fieldOf(table, field)))
    .map((fields) => fields.filter((field) => field !== table.tenantField))
    .filter((fields) => fields.length > 0);
}

/** The fields of a table that a predicate reads, relations by the field that holds the key. */
export function fieldsRead(predicate: Predicate, table: TableModel): ReadonlySet<FieldModel> {
  const found = new Set<FieldModel>();
  const visit = (part: Predicate): void => {
    switch (part.kind) {
      case "everything":
        return;
      case "all":
      case "any":
        part.of.forEach(visit);
        return;
      case "not":
        visit(part.of);
        return;
      case "related":
        found.add(fieldOf(table, part.relation.kind === "one" ? part.relation.key : "id"));
        return;
      default:
        found.add(part.field);
    }
  };
  visit(predicate);
  return found;
}
