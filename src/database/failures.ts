// What PostgreSQL's error codes mean to the rest of the program. Nothing above this folder reads a
// SQLSTATE; messages of PostgreSQL are private and go to the log only.

export type FailureKind =
  | "unavailable" // No connection, shutting down, out of connections, read-only after a failover.
  | "timeout" // The statement took longer than it may.
  | "busy" // A lock was not to be had in time.
  | "serialization" // 40001, 40P01: the same again may succeed.
  | "stale" // A prepared statement whose table has changed: prepare it again.
  | "unique"
  | "foreign key"
  | "check"
  | "not null"
  | "value" // A value that the column cannot hold.
  | "too large" // More was read than a reply may hold.
  | "missing" // A table or column that the model has and the database has not.
  | "refused" // backwright.refuse(), the reason is the message.
  | "other";

/** A statement that failed. `constraint` is its name in PostgreSQL, where one was violated. */
export class DatabaseFailure extends Error {
  override readonly name = "DatabaseFailure";
  readonly kind: FailureKind;
  readonly constraint: string | undefined;
  readonly sqlState: string | undefined;

  constructor(kind: FailureKind, message: string, fields: FailureFields = {}) {
    super(message, { cause: fields.cause });
    this.kind = kind;
    this.constraint = fields.constraint;
    this.sqlState = fields.sqlState;
  }
}

interface FailureFields {
  readonly constraint?: string | undefined;
  readonly sqlState?: string | undefined;
  readonly cause?: unknown;
}

const KINDS: Readonly<Record<string, FailureKind>> = {
  "57014": "timeout",
  "25P03": "timeout", // Idle within a transaction for longer than it may be.
  "25P04": "timeout", // The transaction as a whole took longer than it may.
  "55P03": "busy",
  "40001": "serialization",
  "40P01": "serialization",
  "0A000": "stale",
  "26000": "stale",
  "23505": "unique",
  "23503": "foreign key",
  "23514": "check",
  "23502": "not null",
  "23P01": "unique", // An exclusion constraint: another row already claims it.
  "54000": "value", // Longer than an index entry can be.
  "25006": "unavailable",
  "42P01": "missing",
  "42703": "missing",
  BW001: "refused",
};
const CLASSES: Readonly<Record<string, FailureKind>> = {
  "08": "unavailable",
  "22": "value",
  "53": "unavailable",
  "57": "unavailable",
  "58": "unavailable",
};

// A finder of a model that is no longer served; a function of anybody else's is missed by mistake.
const MISSING_FUNCTION = "42883";
const OUR_FINDER = /\bbackwright\.finder_[0-9a-f]{16}\b/;

function kindOf(sqlState: string, message: string): FailureKind {
  if (sqlState === MISSING_FUNCTION && OUR_FINDER.test(message)) return "stale";
  return KINDS[sqlState] ?? CLASSES[sqlState.slice(0, 2)] ?? "other";
}

/** Classifies whatever the driver threw. An error without a SQLSTATE is the connection's. */
export function failureOf(error: unknown): DatabaseFailure {
  if (error instanceof DatabaseFailure) return error;
  const { code, constraint, message } = error as {
    code?: unknown;
    constraint?: unknown;
    message?: unknown;
  };
  const sqlState = typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
  const kind = sqlState === undefined ? "unavailable" : kindOf(sqlState, String(message));
  return new DatabaseFailure(kind, String(message), {
    constraint: typeof constraint === "string" ? constraint : undefined,
    sqlState,
    cause: error,
  });
}
