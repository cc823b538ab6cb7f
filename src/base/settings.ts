// Settings come from the environment, are read once at start and are never guessed:
// a setting that is missing or malformed stops the start and names itself. The table of them is
// setting-table.ts.
import { randomBytes } from "node:crypto";
import { StartError } from "./errors.ts";
import {
  SETTINGS,
  type Setting,
  type SettingName,
  type SettingOf,
  settingLine,
} from "./setting-table.ts";

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

/** Reads and checks the settings. Throws StartError naming the setting and an example value. */
export function readSettings(environment: Environment, mode: Mode): Settings {
  const of = new EnvironmentReader(environment, mode);
  const databaseUrl = of.address("DATABASE_URL");
  const databaseOwnerUrl = of.address("DATABASE_OWNER_URL");
  if (mode === "production" && databaseUrl === undefined) throw notSet("DATABASE_URL");
  if (databaseUrl === undefined && databaseOwnerUrl !== undefined) {
    throw new StartError("DATABASE_OWNER_URL is set, but DATABASE_URL is not.", {
      fix: "Set both, or neither to use the embedded PostgreSQL in development.",
    });
  }
  return {
    mode,
    host: of.text("HOST"),
    port: of.integer("PORT"),
    corsOrigins: of.origins("CORS_ORIGINS"),
    secretKey: of.secret("SECRET_KEY") ?? randomSecret(mode),
    databaseUrl,
    databaseOwnerUrl,
    logLevel: of.choice("LOG_LEVEL"),
    docs: of.choice("DOCS") === "on",
    readConnections: of.integer("DATABASE_READ_CONNECTIONS"),
    writeConnections: of.integer("DATABASE_WRITE_CONNECTIONS"),
    drainDelayMs: of.integer("DRAIN_DELAY"),
    statementTimeoutMs: of.integer("DATABASE_STATEMENT_TIMEOUT"),
  };
}

/** What is empty counts as not set. */
export function given(environment: Environment, name: SettingName): string | undefined {
  const value = environment[name];
  return value === "" ? undefined : value;
}

/** Production where a database is named: what a command means that both have. */
export const modeOf = (environment: Environment): Mode =>
  given(environment, "DATABASE_URL") === undefined ? "development" : "production";

/** The failure of a start that needs this setting. */
export function notSet(name: SettingName): StartError {
  return new StartError(`${name} is not set. It ${SETTINGS[name].does}.`, {
    fix: settingLine(name),
  });
}

function randomSecret(mode: Mode): string {
  if (mode === "production") throw notSet("SECRET_KEY");
  return randomBytes(32).toString("base64"); // Cursors live as long as the process.
}

/** A setting with a default always has a value. */
type Given<Name extends SettingName, T> = (typeof SETTINGS)[Name] extends { default: unknown }
  ? T
  : T | undefined;

/** Reads settings by the kinds of the table. */
class EnvironmentReader {
  readonly #environment: Environment;
  readonly #mode: Mode;

  constructor(environment: Environment, mode: Mode) {
    this.#environment = environment;
    this.#mode = mode;
  }

  text<Name extends SettingName>(name: Name): Given<Name, string> {
    const { default: preset }: Setting = SETTINGS[name];
    const fallback = typeof preset === "object" ? preset[this.#mode] : preset;
    return (given(this.#environment, name) ?? fallback) as Given<Name, string>;
  }

  integer<Name extends SettingOf<"integer">>(name: Name): Given<Name, number> {
    const value: string | undefined = this.text(name);
    const { min, max } = SETTINGS[name].type;
    const number = value === undefined ? undefined : Number(value);
    if (number === undefined || (Number.isInteger(number) && number >= min && number <= max)) {
      return number as Given<Name, number>;
    }
    throw refused(name, `must be a whole number from ${min} to ${max}`);
  }

  choice(name: SettingOf<"choice">): string {
    const value = this.text(name);
    const { values }: { readonly values: readonly string[] } = SETTINGS[name].type;
    if (values.includes(value)) return value;
    throw refused(name, `must be one of ${values.join(", ")}`);
  }

  address(name: SettingOf<"address">): string | undefined {
    const value = this.text(name);
    if (value === undefined || (/^postgres(ql)?:\/\//.test(value) && URL.canParse(value))) {
      return value;
    }
    throw refused(name, "is not a PostgreSQL address");
  }

  secret(name: SettingOf<"secret">): string | undefined {
    const value = this.text(name);
    const { lengthMin } = SETTINGS[name].type;
    if (value === undefined || value.length >= lengthMin) return value;
    throw refused(name, `is shorter than ${lengthMin} characters`);
  }

  origins(name: SettingOf<"origins">): readonly string[] {
    const all = (this.text(name) ?? "").split(",").map((origin) => origin.trim());
    const wanted = all.filter((origin) => origin !== "");
    for (const origin of wanted) {
      const isOrigin = URL.canParse(origin) && new URL(origin).origin === origin;
      if (origin === "*" || (isOrigin && !origin.includes("*"))) continue;
      throw refused(name, `is not a list of origins: "${origin}" is not an origin`);
    }
    return wanted;
  }
}

/** Never with the value: it may be a secret. */
function refused(name: SettingName, why: string): StartError {
  return new StartError(`${name} ${why}.`, { fix: settingLine(name) });
}
