// One dedicated connection to PostgreSQL, for work that needs session state: migrations with their
// advisory lock, set-up. Request traffic goes through the pools, never through here.

import pg from "pg";
import { StartError } from "../base/errors.ts";

/** LIMIT: long enough for a server that is just starting, short enough to answer a person. */
const CONNECT_TIMEOUT_MS = 10_000;

export interface Session {
  /**
   * Runs `text` and returns the rows of its last statement. Without `values` the text may hold
   * several statements; with `values` (even none, `[]`) PostgreSQL itself refuses more than one.
   */
  query<T>(text: string, values?: readonly unknown[]): Promise<T[]>;
  /** Ends the connection, and with it its locks and an open transaction. Never throws. */
  close(): Promise<void>;
}

export interface SessionOptions {
  /** Shown in pg_stat_activity, so that a person sees who holds a lock. */
  readonly applicationName?: string;
  /** Called with each RAISE NOTICE (or stronger) that the server sends. */
  readonly onNotice?: (message: string) => void;
}

/** What PostgreSQL says about a failed statement. `position` counts characters from 1. */
export interface PostgresFailure {
  readonly kind: "lock" | "syntax" | "privilege" | "foreign key" | "missing" | "other";
  /** The SQLSTATE, to be shown; decisions go by `kind`. */
  readonly code: string;
  readonly message: string;
  readonly position: number | null;
  readonly hint: string | null;
  readonly where: string | null;
  readonly constraint: string | null;
}

const FAILURE_KINDS: Readonly<Record<string, PostgresFailure["kind"]>> = {
  "23503": "foreign key",
  // A deadlock is a lock not had in time, too: the same again may succeed.
  "40P01": "lock",
  "42501": "privilege",
  "3F000": "missing", // A schema, a table or a column that is not there.
  "42601": "syntax",
  "42703": "missing",
  "42P01": "missing",
  "55P03": "lock",
};

/** Reads an error that PostgreSQL sent; null for anything else, such as a lost connection. */
export function postgresFailure(error: unknown): PostgresFailure | null {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined) return null;
  return {
    kind: FAILURE_KINDS[error.code] ?? "other",
    code: error.code,
    message: error.message,
    position: error.position === undefined ? null : Number(error.position),
    hint: error.hint ?? null,
    where: error.where ?? null,
    constraint: error.constraint ?? null,
  };
}

/**
 * Opens one connection with the time zone UTC. Throws a StartError that names host and database,
 * never the password, when the address is not valid or the server does not let us in.
 */
export async function openSession(url: string, options: SessionOptions = {}): Promise<Session> {
  const client = createClient(url, options.applicationName ?? "backwright");
  // Without a listener a connection that breaks between two queries would end the process; the
  // next query reports the loss.
  client.on("error", () => undefined);
  client.on("notice", (notice) => options.onNotice?.(notice.message ?? ""));
  try {
    await client.connect();
    await client.query("set time zone 'UTC'");
  } catch (cause) {
    await client.end().catch(() => undefined);
    throw connectFailure(client, cause);
  }
  return {
    async query<T>(text: string, values?: readonly unknown[]): Promise<T[]> {
      const config =
        values === undefined ? { text } : { text, values: [...values], queryMode: "extended" };
      const result: unknown = await client.query(config);
      // Several statements in one text give a result each.
      const last: unknown = Array.isArray(result) ? result.at(-1) : result;
      return rowsOf<T>(last);
    },
    async close() {
      await client.end().catch(() => undefined);
    },
  };
}

function rowsOf<T>(result: unknown): T[] {
  if (typeof result !== "object" || result === null || !("rows" in result)) return [];
  return Array.isArray(result.rows) ? (result.rows as T[]) : [];
}

function createClient(url: string, applicationName: string): pg.Client {
  try {
    return new pg.Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    });
  } catch {
    // The cause is left out on purpose: Node puts the whole address, password included, into it.
    throw new StartError("The database address is not a valid PostgreSQL URL.", {
      fix:
        "Write it as postgres://user:password@host:5432/database, with special characters of the " +
        "password percent-encoded.",
    });
  }
}

function connectFailure(client: pg.Client, cause: unknown): StartError {
  const place = client.host.startsWith("/")
    ? `the socket ${client.host}/.s.PGSQL.${client.port}`
    : `${client.host}:${client.port}`;
  const database = client.database ?? "";
  const code = errorCode(cause);
  const reason = cause instanceof Error && cause.message !== "" ? cause.message : code;
  return new StartError(
    `Cannot connect to the database "${database}" at ${place} as "${client.user ?? ""}": ${reason}`,
    { fix: connectAdvice(code, database), cause },
  );
}

function errorCode(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "no answer";
  return String(error.code);
}

function connectAdvice(code: string, database: string): string {
  switch (code) {
    case "ECONNREFUSED":
    case "ENOENT":
      return "Check that PostgreSQL runs there and that host and port are right.";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "Check the spelling of the host name, and that its DNS entry can be resolved here.";
    case "28P01":
    case "28000":
      return "Check user and password of the address, and pg_hba.conf on the server.";
    case "3D000":
      return `Create the database "${database}", or correct its name in the address.`;
    case "53300":
      return "The server has no free connection: close some, or raise max_connections.";
    case "57P03":
      return "The server is starting or stopping: try again shortly.";
    default:
      return "Check host, port, firewall and TLS settings (sslmode) of the address.";
  }
}
