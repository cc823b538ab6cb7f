// Puts a backend together and serves it: the one place that knows every part and the order in
// which they start and stop.

import { StartError } from "../base/errors.ts";
import { REQUEST_LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import type { Settings } from "../base/settings.ts";
import { type ConstraintColumns, readConstraints } from "../database/catalog.ts";
import { Database } from "../database/database.ts";
import { checkServingRole } from "../database/roles.ts";
import { openSession } from "../database/session.ts";
import { Authenticator } from "../identity/authenticate.ts";
import type { Model } from "../model/model.ts";
import { isOmitted } from "../model/version.ts";
import type { OperationsContext } from "../operations/context.ts";
import { CursorSigner } from "../operations/cursor.ts";
import { Shapes } from "../operations/shapes.ts";
import { VersionTokens } from "../operations/version-tokens.ts";
import { docsRoutes } from "../rest/docs-routes.ts";
import { Documents } from "../rest/documents.ts";
import { Examples } from "../rest/examples.ts";
import type { Explain } from "../rest/explained.ts";
import { restRoutes } from "../rest/routes.ts";
import type { ExchangeObserver } from "../server/exchange.ts";
import type { Route } from "../server/http.ts";
import { createServer, type Readiness, type Server, type ServerOptions } from "../server/server.ts";
import { Parameters } from "../sql/statement.ts";

export interface ServeOptions {
  readonly model: Model;
  readonly settings: Settings;
  /** The app login. */
  readonly databaseUrl: string;
  readonly log: Log;
  readonly readiness?: () => Readiness;
  /** How requests come in. Undefined: through a port of its own. */
  readonly entrance?: Entrance;
  /** Answers `Backwright-Explain`: for development alone. */
  readonly explain?: Explain;
}

/** A way in beside the port of its own: another server that hands requests over. */
export interface Entrance {
  /** Stands before every path: "/api", or "". */
  readonly prefix: string;
  /** The resources that are served. Undefined: all. */
  readonly only?: ReadonlySet<string>;
  open(options: ServerOptions): Promise<Opened>;
}

export interface Opened {
  readonly url: string;
  /** Finishes what is in flight, for at most `graceMs` milliseconds, then cuts the rest. */
  drain(graceMs: number): Promise<void>;
}

export interface RunningBackend {
  /** Where it listens, such as http://127.0.0.1:3000. */
  readonly url: string;
  readonly context: OperationsContext;
  readonly authenticator: Authenticator;
  /** Reads again what the database says about its constraints: after a migration. */
  reload(): Promise<void>;
  /** Finishes what is in flight, then closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

// LIMIT: shorter than the 30 s that common orchestrators wait before they kill.
const DRAIN_MS = 25_000;
/** Tried in turn where PORT is not set. */
export const DEFAULT_PORTS = { first: 3_000, last: 3_010 } as const;
/** How the connections of serving processes are named in pg_stat_activity. */
export const SERVING_NAME = "backwright";
const FORGET_EVERY_MS = 600_000;
const KEYS_HINT =
  "in development the start prints keys, one for each role, and keeps them in " +
  ".backwright/keys.json; npx backwright keys create makes another";
const FORGET_AT_ONCE = 10_000;

/** Starts serving. Throws StartError, with everything that was opened closed again. */
export async function serve(options: ServeOptions): Promise<RunningBackend> {
  const { model, settings, databaseUrl, log, entrance } = options;
  const found = await inspectDatabase(databaseUrl);
  const database = await openDatabase(options);
  const cursors = new CursorSigner(settings.secretKey);
  const versions = new VersionTokens(settings.secretKey);
  const constraints = new Map(
    [model, ...model.older].map((one) => [one, constraintFields(found, one)]),
  );
  const contextOf = (of: Model): OperationsContext => {
    const fields = constraints.get(of) ?? new Map();
    return { model: of, database, shapes: new Shapes(), cursors, versions, constraints: fields };
  };
  const context = contextOf(model);
  const older = model.older.map((one) => ({ ...contextOf(one), declared: context }));
  const { mode } = settings;
  const hint = mode === "development" ? KEYS_HINT : undefined;
  const authenticator = new Authenticator(database, model, hint);
  const examples = mode === "development" ? new Examples() : undefined;
  const documents = new Documents(model, { ...entrance, mode }, examples);
  try {
    const routes = [
      ...restRoutes({
        ...entrance,
        contexts: [context, ...older],
        authenticator,
        documents,
        explain: options.explain,
      }),
      ...(settings.docs ? docsRoutes(entrance?.prefix) : []),
    ];
    const observe = examples && (await observer(options, documents, examples));
    const opened = await open(options, routes, observe);
    const forgetting = forgetReplies(database, log);
    let stopping: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      clearInterval(forgetting);
      try {
        await opened.drain(DRAIN_MS);
      } finally {
        await database.close();
      }
    };
    return {
      url: opened.url,
      context,
      authenticator,
      reload: async () => {
        const found = await inspectDatabase(databaseUrl);
        for (const [one, known] of constraints) {
          known.clear();
          for (const [name, fields] of constraintFields(found, one)) known.set(name, fields);
        }
      },
      stop: () => {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Ajv is loaded here and nowhere else, so that production never does. */
async function observer(
  { model, entrance }: ServeOptions,
  documents: Documents,
  examples: Examples,
): Promise<ExchangeObserver> {
  const { replyChecker } = await import("../rest/check-replies.ts");
  const check = replyChecker((version, role) => documents.of(version, role), model.roles);
  const start = entrance?.prefix.length ?? 0;
  return (exchange) => {
    const { route, url } = exchange;
    const known = { ...exchange, route: route.slice(start), url: url.slice(start) };
    const problems = check(known);
    if (problems.length === 0) examples.record(known);
    return problems;
  };
}

/** Refuses a login that could pass the wall; learns which columns each constraint is about. */
async function inspectDatabase(url: string): Promise<readonly ConstraintColumns[]> {
  const session = await openSession(url);
  try {
    await checkServingRole(async (text) => ({ rows: await session.query(text) }));
    return await readConstraints(session);
  } finally {
    await session.close();
  }
}

/** The fields that each constraint is about, by the names of a version. */
function constraintFields(
  found: readonly ConstraintColumns[],
  model: Model,
): Map<string, readonly string[]> {
  const fields = new Map<string, readonly string[]>();
  for (const { name, table, columns } of found) {
    const owner = [...model.tables.values()].find((one) => one.sqlName === table);
    if (owner === undefined) continue;
    const about = [...owner.fields.values()].filter(
      (field) => columns.includes(field.column) && field !== owner.tenantField && !isOmitted(field),
    );
    fields.set(
      name,
      about.map((field) => field.name),
    );
  }
  return fields;
}

async function openDatabase({ settings, databaseUrl, log }: ServeOptions): Promise<Database> {
  try {
    return await Database.open({
      url: databaseUrl,
      applicationName: SERVING_NAME,
      readConnections: settings.readConnections,
      writeConnections: settings.writeConnections,
      statementTimeoutMs: settings.statementTimeoutMs,
      log,
    });
  } catch (cause) {
    const wanted = settings.readConnections + settings.writeConnections;
    throw new StartError(`PostgreSQL did not give us ${wanted} connections.`, {
      fix:
        "Raise max_connections, or lower DATABASE_READ_CONNECTIONS and " +
        "DATABASE_WRITE_CONNECTIONS.",
      cause,
    });
  }
}

async function open(
  options: ServeOptions,
  routes: readonly Route[],
  observe: ExchangeObserver | undefined,
): Promise<Opened> {
  const { settings, log, entrance, readiness } = options;
  const { corsOrigins } = settings;
  const server: ServerOptions = { limits: REQUEST_LIMITS, corsOrigins, log, routes, observe };
  if (entrance !== undefined) return entrance.open(server);
  const isReady = readiness ?? (() => ({ ready: true }));
  return openPort({ ...server, readiness: isReady }, settings);
}

async function openPort(options: ServerOptions, settings: Settings): Promise<Opened> {
  const server = await createServer(options);
  const port = await listen(server, settings);
  const host = settings.host.includes(":") ? `[${settings.host}]` : settings.host;
  return {
    url: `http://${host}:${port}`,
    drain: (graceMs) => server.drain(graceMs, settings.drainDelayMs),
  };
}

async function listen(server: Server, { host, port }: Settings): Promise<number> {
  const candidates =
    port === undefined
      ? Array.from(
          { length: DEFAULT_PORTS.last - DEFAULT_PORTS.first + 1 },
          (_, at) => DEFAULT_PORTS.first + at,
        )
      : [port];
  for (const candidate of candidates) {
    try {
      return await server.listen(host, candidate);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EADDRINUSE") {
        throw new StartError(`Cannot listen on ${host}:${candidate}: ${code}.`, {
          fix:
            code === "EACCES"
              ? "PORT=3000: this user may not open a port that low."
              : "HOST=127.0.0.1, or another address of this machine.",
          cause: error,
        });
      }
    }
  }
  throw new StartError(
    port === undefined
      ? `Ports ${DEFAULT_PORTS.first} to ${DEFAULT_PORTS.last} are all taken.`
      : `Port ${port} is taken by another program.`,
    { fix: `PORT=${(port ?? DEFAULT_PORTS.last) + 1}, or stop the program that listens there.` },
  );
}

/** Stored replies whose time is over are removed now and then, in small steps. */
function forgetReplies(database: Database, log: Log): NodeJS.Timeout {
  const parameters = new Parameters();
  const most = parameters.input(0, "integer");
  const statement = parameters.statement(`select backwright.forget_replies(${most})::text`);
  return setInterval(() => {
    database.write(statement, { claims: {} }, [String(FORGET_AT_ONCE)]).catch((error: unknown) => {
      log.warn({ err: error }, "stored replies could not be cleaned up");
    });
  }, FORGET_EVERY_MS).unref();
}
