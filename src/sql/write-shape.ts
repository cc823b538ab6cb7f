// What a write statement is made of, apart from values: the shape that decides its text.
import type { FieldModel, Operand, Predicate, ResourceModel } from "../model/model.ts";

// Reasons given to backwright.refuse(), which undoes the whole statement.
export const REFUSED_AFTER_IMAGE = "after image";
export const REFUSED_IDEMPOTENCY_RACE = "idempotency race";

/** A field that receives input n. */
export interface Assignment {
  readonly field: FieldModel;
  readonly input: number;
}

/** A reference being written: its target must exist and be readable by the role. */
export interface ReferenceGuard {
  readonly field: FieldModel;
  readonly input: number;
  readonly target: ResourceModel;
  readonly rows: Predicate;
}

/** Where the facts of the request stand among the inputs. */
export interface WriteInputs {
  readonly requestId: number;
  readonly eventId: number;
  /** Undefined without an Idempotency-Key. */
  readonly idempotency:
    | { readonly lock: number; scope: number; key: number; hash: number; mask: number }
    | undefined;
}

export interface WriteShape {
  readonly resource: ResourceModel;
  readonly role: string;
  /** What the audit log calls it; the verb unless given. */
  readonly operation?: string;
  /** Rows and fields that the role may read: they make the reply. */
  readonly readRows: Predicate;
  readonly readFields: readonly FieldModel[] | undefined;
  readonly assignments: readonly Assignment[];
  readonly references: readonly ReferenceGuard[];
  readonly inputs: WriteInputs;
}

export interface CreateShape extends WriteShape {
  /** The id, made before the statement. */
  readonly id: number;
  /** What the new row must satisfy. */
  readonly after: Predicate;
  readonly set: ReadonlyMap<FieldModel, Operand>;
}

export interface UpdateShape extends WriteShape {
  readonly id: number;
  /** Fields that must hold a value, for a record that was found by it. */
  readonly keys: readonly Assignment[];
  readonly rows: Predicate;
  readonly after: Predicate;
  /** The version that If-Match names. */
  readonly version: number | undefined;
  /** State fields being written, with the states that may move to the new one. */
  readonly states: readonly { readonly field: FieldModel; readonly from: number }[];
}

/** Deletes, or with `deletedAt` on the table marks as deleted; `restore` takes the mark away. */
export interface DeleteShape extends WriteShape {
  readonly id: number;
  readonly keys: readonly Assignment[];
  readonly rows: Predicate;
  readonly version: number | undefined;
  readonly restore: boolean;
}

/** Columns of the one row that a write statement returns. */
export const WRITE_RESULT = {
  id: 0,
  version: 1,
  reply: 2,
  locked: 3,
  priorHash: 4,
  priorMask: 5,
  priorId: 6,
  priorReply: 7,
  priorVersion: 8,
  priorStatus: 9,
} as const;
