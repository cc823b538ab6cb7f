// The names of time zones that PostgreSQL knows, asked for once. It would take more than these:
// abbreviations, whose offset is that of one season, and rules in POSIX's form.
import { BackwrightError } from "../base/errors.ts";
import type { Caller } from "../database/database.ts";
import type { Executor } from "../database/transaction.ts";
import { Parameters } from "../sql/statement.ts";

const STATEMENT = new Parameters().statement("select name from pg_catalog.pg_timezone_names");
const NAMED = /^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+){0,2}$/;
const known = new WeakMap<Executor, Promise<ReadonlySet<string>>>();

/** Throws PARAMETER_INVALID for a name that PostgreSQL does not have. */
export async function requireTimeZone(
  database: Executor,
  caller: Caller,
  name: string,
): Promise<void> {
  if (name === "UTC") return;
  if (NAMED.test(name) && (await zonesOf(database, caller)).has(name)) return;
  const message = "must be the name of a time zone, like America/New_York";
  throw new BackwrightError("PARAMETER_INVALID", {
    message: "Not valid: timeZone.",
    details: [{ field: "timeZone", message }],
  });
}

function zonesOf(database: Executor, caller: Caller): Promise<ReadonlySet<string>> {
  const asked = known.get(database);
  if (asked !== undefined) return asked;
  const zones = database
    .readAlone(STATEMENT, caller, [])
    .then((rows) => new Set(rows.map(([name]) => name ?? "")));
  known.set(database, zones);
  // Another may ask again after a failure.
  zones.catch(() => known.delete(database));
  return zones;
}
