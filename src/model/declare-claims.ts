// Claims: what is known about a caller when a request arrives, and the marks that stand for it in
// policies until then. Where a claim comes from is declared here; identity/ looks it up.
import { getColumnTable, getTableName } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import { StartError } from "../base/errors.ts";

/** The PostgreSQL types that a claim may have. */
export type ClaimKind = "uuid" | "text" | "boolean" | "integer" | "uuid[]" | "text[]";

/** Claims that every caller has: the subject of the credential, and its tenant. */
export const BUILT_IN_CLAIMS = Object.freeze({ id: "uuid", tenantId: "uuid" } as const);

// Symbol.for, so that a claim is recognised across two copies of this package.
const CLAIM = Symbol.for("backwright.claim");

/** A claim as it stands in a policy: every statement puts the caller's own value in its place. */
export interface Claim<K extends ClaimKind> {
  readonly claim: string;
  readonly sqlType: K;
  readonly [CLAIM]: true;
}

/** A claim whatever its kind, for code that reads declarations at run time. */
export interface ClaimRef {
  readonly claim: string;
  readonly sqlType: string;
}

/** Whether a value inside a declared filter stands for a claim rather than for itself. */
export function isClaimRef(value: unknown): value is ClaimRef {
  return typeof value === "object" && value !== null && CLAIM in value;
}

/** The mark of the claim named `claim`: what `me.<claim>` is. */
export function createClaim<K extends ClaimKind>(claim: string, sqlType: K): Claim<K> {
  return Object.freeze({ claim, sqlType, [CLAIM]: true as const });
}

/**
 * A claim that is looked up: the values of `column` in the rows whose `where` equals the caller's
 * id. Both columns belong to one table. A claim that is not an array takes the value of one row.
 */
export interface ClaimLookup {
  readonly type: ClaimKind;
  readonly column: PgColumn;
  readonly where: PgColumn;
}

/** A kind alone means that the credential carries the claim. */
export type ClaimSource = ClaimKind | ClaimLookup;

declare const BUILT_IN: unique symbol;
interface BuiltInClaim {
  readonly [BUILT_IN]: never;
}

/** What `define` accepts as claims; `id` and `tenantId` are built in and cannot be declared. */
export interface Claims {
  readonly [claim: string]: ClaimSource | BuiltInClaim | undefined;
  readonly id?: BuiltInClaim;
  readonly tenantId?: BuiltInClaim;
}

/** The claim that a column of each Drizzle data type can be compared with or looked up as. */
interface KindByDataType {
  readonly "string uuid": "uuid";
  readonly string: "text";
  readonly "string enum": "text";
  readonly boolean: "boolean";
  readonly "number int32": "integer";
}
export type KindOf<DataType> = DataType extends keyof KindByDataType
  ? KindByDataType[DataType]
  : never;
export type ArrayOf<K extends ClaimKind> = `${K}[]` & ClaimKind;

/** What a claim of this column can be; an interface, so that a mismatch is told at `type`. */
interface TypeOfColumn<Kinds> {
  readonly [BUILT_IN]: Kinds;
}
/** Checks that a looked-up claim has the type of its column. */
export type ClaimTypes<C> = {
  readonly [K in keyof C]: C[K] extends {
    readonly type: infer Given;
    readonly column: { readonly _: { readonly dataType: infer DataType } };
  }
    ? Given extends KindOf<DataType> | ArrayOf<KindOf<DataType>>
      ? unknown
      : { readonly type: TypeOfColumn<KindOf<DataType> | ArrayOf<KindOf<DataType>>> }
    : unknown;
};

/** The kind of every claim by name, built-in ones included. */
export type ClaimKinds<C> = typeof BUILT_IN_CLAIMS & {
  readonly [K in keyof C]: C[K] extends { readonly type: infer Kind } ? Kind : C[K];
};

/** What a column of each claim kind may be in PostgreSQL, without a length. */
const SQL_TYPES: Readonly<Record<ClaimKind, readonly string[]>> = {
  uuid: ["uuid"],
  text: ["text", "varchar"],
  boolean: ["boolean"],
  integer: ["integer"],
  "uuid[]": ["uuid"],
  "text[]": ["text", "varchar"],
};

const nameOf = (column: PgColumn): string =>
  `${getTableName(getColumnTable(column))}.${column.name}`;

function checkLookup(path: string, { type, column, where }: ClaimLookup): void {
  if (getColumnTable(column) !== getColumnTable(where)) {
    throw new StartError(
      `${path}: column ${nameOf(column)} and where ${nameOf(where)} are of different tables.`,
      { fix: "Take both from the table that says which values belong to which caller." },
    );
  }
  // Drizzle tells the dimensions of an array apart from its type.
  const sqlType = column.getSQLType() + "[]".repeat(column.dimensions);
  if (!SQL_TYPES[type].includes(sqlType.replace(/\(\d+\)$/, ""))) {
    throw new StartError(
      `${path}: ${nameOf(column)} is ${sqlType}, which is not a ${type} claim.`,
      {
        fix:
          "Change type to what the column holds, or column to one of " +
          `${SQL_TYPES[type].join(", ")}.`,
      },
    );
  }
  if (where.getSQLType() !== "uuid") {
    throw new StartError(`${path}: where ${nameOf(where)} is ${where.getSQLType()}, not uuid.`, {
      fix: "where is compared with the id of the caller: give the column that refers to it.",
    });
  }
}

/**
 * The claims as declared, checked. Throws StartError for a claim that takes a built-in name, is of
 * an unknown kind, or cannot be looked up as it says.
 */
export function checkedClaims(claims: Claims): Readonly<Record<string, ClaimSource>> {
  const checked: Record<string, ClaimSource> = {};
  for (const [name, source] of Object.entries(claims as Record<string, ClaimSource>)) {
    const path = `define(): claims.${name}`;
    if (Object.hasOwn(BUILT_IN_CLAIMS, name)) {
      throw new StartError(`${path}: every caller has me.${name} already.`, {
        fix: `Leave ${name} out of claims, or give it another name.`,
      });
    }
    const kind = typeof source === "string" ? source : source.type;
    if (!Object.hasOwn(SQL_TYPES, kind)) {
      throw new StartError(`${path}: ${String(kind)} is not a kind of claim.`, {
        fix: `Write one of ${Object.keys(SQL_TYPES).join(", ")}.`,
      });
    }
    if (typeof source !== "string") checkLookup(path, source);
    checked[name] = typeof source === "string" ? source : Object.freeze({ ...source });
  }
  return Object.freeze(checked);
}
