// Settings come from the environment, are read once at start and are never guessed:
// a setting that is missing or malformed stops the start and names itself.
import { randomBytes } from "node:crypto";
import { StartError } from "./errors.ts";

export type Mode = "development" | "production";

export interface Settings {
  readonly mode: Mode;
  readonly host: string;
  /** Undefined: the first free port of 3000 to 3010. */
  readonly port: number | undefined;
  /** Origins whose pages may call the API; none unless given. `*` is any. */
  readonly corsOrigins: readonly string[];
  /** Signs page cursors. Two processes that serve one API need the same one. */
  readonly secretKey: string;
  /** The app login; undefined in development means the embedded server. */
  readonly databaseUrl: string | undefined;
  /** The owner login, which migrates. */
  readonly databaseOwnerUrl: string | undefined;
  readonly logLevel: string;
  /** Whether /docs is served. */
  readonly docs: boolean;
  /** Connections for short reads and for writes. */
  readonly readConnections: number;
  readonly writeConnections: number;
  /** Milliseconds of serving on while not ready any more, before a stop closes anything. */
  readonly drainDelayMs: number;
  /** Milliseconds after which PostgreSQL gives a statement up. */
  readonly statementTimeoutMs: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Every setting by its name; what is not here is not read. */
export const SETTING_NAMES = [
  "PORT",
  "HOST",
  "DATABASE_URL",
  "DATABASE_OWNER_URL",
  "SECRET_KEY",
  "CORS_ORIGINS",
  "DOCS",
  "DRAIN_DELAY",
  "LOG_LEVEL",
  "DATABASE_READ_CONNECTIONS",
  "DATABASE_WRITE_CONNECTIONS",
  "DATABASE_STATEMENT_TIMEOUT",
] as const;

const LOG_LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"];

/** Reads and checks the settings. Throws StartError naming the setting and an example value. */
export function readSettings(environment: Environment, mode: Mode): Settings {
  const databaseUrl = postgresUrl(environment, "DATABASE_URL");
  const databaseOwnerUrl = postgresUrl(environment, "DATABASE_OWNER_URL");
  if (mode === "production" && databaseUrl === undefined) {
    throw new StartError("DATABASE_URL is not set. It is the login that serves requests.", {
      fix: "DATABASE_URL=postgres://myapp_app:password@host:5432/myapp",
    });
  }
  if (databaseUrl === undefined && databaseOwnerUrl !== undefined) {
    throw new StartError("DATABASE_OWNER_URL is set, but DATABASE_URL is not.", {
      fix: "Set both, or neither to use the embedded PostgreSQL in development.",
    });
  }
  return {
    mode,
    host: environment.HOST ?? (mode === "development" ? "127.0.0.1" : "0.0.0.0"),
    port: integer(environment, "PORT", 0, 65_535, 3_000),
    corsOrigins: origins(environment),
    secretKey: secretKey(environment, mode),
    databaseUrl,
    databaseOwnerUrl,
    logLevel: oneOf(environment, "LOG_LEVEL", LOG_LEVELS) ?? "info",
    docs:
      (oneOf(environment, "DOCS", ["on", "off"]) ?? (mode === "development" ? "on" : "off")) ===
      "on",
    readConnections: integer(environment, "DATABASE_READ_CONNECTIONS", 1, 16) ?? 3,
    writeConnections: integer(environment, "DATABASE_WRITE_CONNECTIONS", 1, 64) ?? 8,
    drainDelayMs: integer(environment, "DRAIN_DELAY", 0, 20_000) ?? 0,
    statementTimeoutMs: integer(environment, "DATABASE_STATEMENT_TIMEOUT", 10, 600_000) ?? 5_000,
  };
}

function secretKey(environment: Environment, mode: Mode): string {
  const given = environment.SECRET_KEY;
  if (given !== undefined && given.length < 32) {
    throw new StartError("SECRET_KEY is shorter than 32 characters.", {
      fix: "SECRET_KEY=$(openssl rand -base64 32)",
    });
  }
  if (given !== undefined) return given;
  if (mode === "production") {
    throw new StartError("SECRET_KEY is not set. It signs page cursors.", {
      fix: "SECRET_KEY=$(openssl rand -base64 32)",
    });
  }
  return randomBytes(32).toString("base64"); // Development: cursors live as long as the process.
}

function origins(environment: Environment): readonly string[] {
  const given = (environment.CORS_ORIGINS ?? "").split(",").map((origin) => origin.trim());
  const wanted = given.filter((origin) => origin !== "");
  for (const origin of wanted) {
    const isOrigin = URL.canParse(origin) && new URL(origin).origin === origin;
    if (origin === "*" || (isOrigin && !origin.includes("*"))) continue;
    throw new StartError(`CORS_ORIGINS: "${origin}" is not an origin.`, {
      fix: "CORS_ORIGINS=https://app.example.org,https://admin.example.org",
    });
  }
  return wanted;
}

function postgresUrl(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  if (value === undefined || value === "") return undefined;
  if (!/^postgres(ql)?:\/\//.test(value)) {
    throw new StartError(`${name} is not a PostgreSQL address.`, {
      fix: `${name}=postgres://user:password@host:5432/database`,
    });
  }
  return value;
}

function integer(
  environment: Environment,
  name: string,
  least: number,
  most: number,
  example = least,
): number | undefined {
  const value = environment[name];
  if (value === undefined || value === "") return undefined;
  const number = Number(value);
  if (!Number.isInteger(number) || number < least || number > most) {
    throw new StartError(`${name} must be a whole number from ${least} to ${most}.`, {
      fix: `${name}=${example}`,
    });
  }
  return number;
}

function oneOf(
  environment: Environment,
  name: string,
  allowed: readonly string[],
): string | undefined {
  const value = environment[name];
  if (value === undefined || value === "") return undefined;
  if (!allowed.includes(value)) {
    throw new StartError(`${name} must be one of ${allowed.join(", ")}.`, {
      fix: `${name}=${allowed.at(0)}`,
    });
  }
  return value;
}
