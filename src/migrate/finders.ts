// The finders of the model in the database: made, mended and removed like grants, after the
// migrations. Owned by the owner, who sees every tenant, and executable by the app's role alone.
// Those of the model before the last are kept: processes that still serve call them.
import { StartError } from "../base/errors.ts";
import { openSession, postgresFailure, type Session } from "../database/session.ts";
import { FINDER_NAME, type Finder } from "../sql/finder.ts";
import { quoteIdentifier, quoteLiteral } from "../sql/quote.ts";
import type { DatabaseRoles } from "./grants.ts";

interface FoundFunction {
  readonly name: string;
  readonly signature: string;
  readonly body: string;
  /** Everything else about it that matters is as it should be. */
  readonly right: boolean;
  /** The latest model does not name it, as its comment says. */
  readonly retired: boolean;
}

const RETIRED = "Not named by the latest model; dropped when the finders change again.";
const SEARCH_PATH = "pg_catalog, pg_temp";

/**
 * Brings the finders of the database to those of the model; changes nothing where they are right.
 * One that the model names no more stays until the finders change again, so that no process of the
 * model before loses its searches. Throws a StartError when the tables are not those of the model.
 * Run it inside a transaction.
 */
export async function assertFinders(
  session: Session,
  finders: readonly Finder[],
  roles: DatabaseRoles,
): Promise<void> {
  const present = await readFinders(session, roles);
  const wanted = new Map(finders.map((finder) => [finder.name, finder]));
  const isWanted = ({ name }: FoundFunction): boolean => wanted.has(name);
  const isRight = (one: FoundFunction): boolean =>
    one.right && (!isWanted(one) || wanted.get(one.name)?.body === one.body);
  const right = present.filter(isRight);
  const made = finders.filter(({ name }) => !right.some((one) => one.name === name));
  const leaving = right.filter((one) => !isWanted(one) && !one.retired);
  const back = right.filter((one) => isWanted(one) && one.retired);
  // One that is mended has been there before, so the model is the one that it was.
  const isNew = made.some(({ name }) => !present.some((one) => one.name === name));
  const isOther = isNew || leaving.length > 0 || back.length > 0;
  const over = right.filter((one) => !isWanted(one) && one.retired && isOther);
  const wrong = present.filter((one) => !isRight(one));
  const statements = [
    ...[...wrong, ...over].map(({ signature }) => `drop function backwright.${signature};`),
    ...made.flatMap((finder) => create(finder, roles.app)),
    ...leaving.map((one) => comment(one, quoteLiteral(RETIRED))),
    ...back.map((one) => comment(one, "null")),
  ];
  if (statements.length === 0) return;
  try {
    await session.query(statements.join("\n"));
  } catch (error) {
    const failure = postgresFailure(error);
    if (failure === null || failure.kind === "lock") throw error;
    throw new StartError(`A finder of the search cannot be made: ${failure.message}`, {
      fix: "Plan the difference between model and database: npx backwright migrate new <name>",
      cause: error,
    });
  }
}

/** The finders of the model that the app's role cannot call: a migration run makes them. */
export async function missingFinders(
  appUrl: string,
  finders: readonly Finder[],
): Promise<readonly string[]> {
  if (finders.length === 0) return [];
  const session = await openSession(appUrl, { applicationName: "backwright" });
  try {
    const rows = await session.query<{ name: string }>(
      `select p.proname as name from pg_proc p
       where p.pronamespace = to_regnamespace('backwright')
         and has_function_privilege(p.oid, 'execute')`,
    );
    const present = new Set(rows.map(({ name }) => name));
    return finders.map(({ name }) => name).filter((name) => !present.has(name));
  } finally {
    await session.close();
  }
}

function readFinders(session: Session, roles: DatabaseRoles): Promise<FoundFunction[]> {
  return session.query<FoundFunction>(
    `select p.proname as name, p.prosrc as body,
       quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')'
         as signature,
       p.prosecdef and p.provolatile = 's' and p.proconfig = array[$2]
         and pg_get_userbyid(p.proowner) = $3
         and p.proacl is not null and not exists (select from aclexplode(p.proacl) a
           where a.grantee not in (p.proowner, (select oid from pg_roles where rolname = $4)))
         and has_function_privilege($4, p.oid, 'execute') as right,
       obj_description(p.oid, 'pg_proc') is not null as retired
     from pg_proc p
     where p.pronamespace = 'backwright'::regnamespace and p.proname ~ $1
     order by 1`,
    [FINDER_NAME, `search_path=${SEARCH_PATH}`, roles.owner, roles.app],
  );
}

const comment = ({ signature }: FoundFunction, text: string): string =>
  `comment on function backwright.${signature} is ${text};`;

// `rows` says that few are found: the ids are then looked up one by one, whatever the statistics.
function create(finder: Finder, app: string): readonly string[] {
  const name = `backwright.${quoteIdentifier(finder.name)}`;
  const signature = `${name}(${finder.arguments.join(", ")})`;
  return [
    `create function ${signature} returns table (${finder.returns})
       language sql stable security definer rows 50 set search_path = ${SEARCH_PATH}
       as ${quoteLiteral(finder.body)};`,
    `revoke all on function ${signature} from public;`,
    `grant execute on function ${signature} to ${quoteIdentifier(app)};`,
  ];
}
