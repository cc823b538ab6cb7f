// Every setting as data: what it does, what it may be, what holds without it, who reads it. What
// reads them, the doctor and the pages are made from this table; what is not here is not read.

/** Who reads a setting. */
export type SettingReader = "serve" | "commands" | "migrate" | "transfer" | "test";

export type SettingType =
  | { readonly kind: "integer"; readonly min: number; readonly max: number; readonly unit?: string }
  | { readonly kind: "choice"; readonly values: readonly string[] }
  | { readonly kind: "origins" }
  | { readonly kind: "address" }
  | { readonly kind: "secret"; readonly lengthMin: number }
  | { readonly kind: "text"; readonly of: string };

export interface Setting {
  /** Follows the name: "SECRET_KEY signs page cursors". */
  readonly does: string;
  readonly type: SettingType;
  /** What holds where it is not set: a value like one that is set. */
  readonly default?: string | Readonly<Record<"development" | "production", string>>;
  /** What happens where it is not set and has no default. */
  readonly without?: string;
  readonly readBy: readonly SettingReader[];
  /** Who does not start in production without it. */
  readonly requiredBy?: readonly SettingReader[];
  /** Its value is never printed and never stands in a file that is committed. */
  readonly isSecret?: true;
  readonly example: string;
  /** What else to know. */
  readonly note?: string;
}

const whole = (min: number, max: number, unit?: string) =>
  ({ kind: "integer", min, max, ...(unit === undefined ? {} : { unit }) }) as const;

export const SETTINGS = {
  PORT: {
    does: "is where it listens",
    type: whole(0, 65_535),
    without: "the first free of 3000 to 3010",
    readBy: ["serve"],
    example: "3000",
    note: "one that is taken stops the start; 0 is any free one",
  },
  HOST: {
    does: "is the address that it listens on",
    type: { kind: "text", of: "an address of this machine" },
    default: { development: "127.0.0.1", production: "0.0.0.0" },
    readBy: ["serve"],
    example: "127.0.0.1",
  },
  DATABASE_URL: {
    does: "is the login that serves requests",
    type: { kind: "address" },
    without: "development: the embedded PostgreSQL",
    readBy: ["serve", "commands", "migrate", "transfer"],
    requiredBy: ["serve", "commands", "migrate", "transfer"],
    isSecret: true,
    example: "postgres://myapp_app:password@host:5432/myapp",
    note: "refused if it is a superuser or owns tables",
  },
  DATABASE_OWNER_URL: {
    does: "is the login that migrates",
    type: { kind: "address" },
    without: "development: the embedded PostgreSQL",
    readBy: ["serve", "commands", "migrate"],
    requiredBy: ["commands", "migrate"],
    isSecret: true,
    example: "postgres://myapp_owner:password@host:5432/myapp",
    note: "`start` does not need it",
  },
  SECRET_KEY: {
    does: "signs page cursors",
    type: { kind: "secret", lengthMin: 32 },
    without: "development: random at each start",
    readBy: ["serve"],
    requiredBy: ["serve"],
    isSecret: true,
    example: "$(openssl rand -base64 32)",
    note: "equal on all processes of one API",
  },
  CORS_ORIGINS: {
    does: "names the origins whose pages may call the API",
    type: { kind: "origins" },
    without: "none",
    readBy: ["serve"],
    example: "https://app.example.org,https://admin.example.org",
    note: "`*` is any; cookies are never allowed",
  },
  DOCS: {
    does: "says whether the page about the API is served at `/docs`",
    type: { kind: "choice", values: ["on", "off"] },
    default: { development: "on", production: "off" },
    readBy: ["serve"],
    example: "on",
  },
  LOG_LEVEL: {
    does: "is the least that is logged",
    type: {
      kind: "choice",
      values: ["silent", "fatal", "error", "warn", "info", "debug", "trace"],
    },
    default: "info",
    readBy: ["serve"],
    example: "info",
    note: "`info` is a line for each request; `backwright dev` begins with `warn`",
  },
  DATABASE_READ_CONNECTIONS: {
    does: "is how many connections take reads, many at a time on each",
    type: whole(1, 16),
    default: "3",
    readBy: ["serve", "transfer"],
    example: "3",
  },
  DATABASE_WRITE_CONNECTIONS: {
    does: "is how many connections take writes and long reads, one at a time on each",
    type: whole(1, 64),
    default: "8",
    readBy: ["serve", "transfer"],
    example: "8",
  },
  DATABASE_STATEMENT_TIMEOUT: {
    does: "is when PostgreSQL gives a statement up",
    type: whole(10, 600_000, "milliseconds"),
    default: "5000",
    readBy: ["serve", "transfer"],
    example: "5000",
    note: "an action has three times as long for all it does",
  },
  DRAIN_DELAY: {
    does: "is how long it still serves after SIGTERM while `/ready` is 503",
    type: whole(0, 20_000, "milliseconds"),
    default: "0",
    readBy: ["serve"],
    example: "5000",
    note: "longer than your load balancer takes to notice; counts against the 25 seconds of a stop",
  },
  BACKWRIGHT_ENV: {
    does: "names the files that settings are read from",
    type: { kind: "text", of: "a name such as `staging`" },
    without: "`production` for `backwright start`, `development` for every other command",
    readBy: ["serve", "commands", "migrate", "transfer"],
    example: "staging",
    note: "not read by a mounted backend",
  },
  NODE_ENV: {
    does: "says `development` where a mounted backend is to start as `backwright dev` does",
    type: { kind: "text", of: "`development` or anything else" },
    without: "production",
    readBy: ["serve"],
    example: "development",
    note: "with `production`, `database reset` refuses",
  },
  BACKWRIGHT_KEY: {
    does: "is the API key of whoever imports or exports",
    type: { kind: "text", of: "an API key" },
    without: "`--key`, or in development `--tenant` and `--role`",
    readBy: ["transfer"],
    isSecret: true,
    example: "bw_…",
  },
  TEST_DATABASE_ADMIN_URL: {
    does: "is the server on which tests make databases of their own",
    type: { kind: "address" },
    without: "the embedded PostgreSQL",
    readBy: ["test"],
    isSecret: true,
    example: "postgres://postgres:password@localhost:5432/postgres",
    note: "a login that may create databases and roles",
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof SETTINGS;

/** The settings whose type is of a kind. */
export type SettingOf<Kind extends SettingType["kind"]> = {
  [Name in SettingName]: (typeof SETTINGS)[Name]["type"]["kind"] extends Kind ? Name : never;
}[SettingName];

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** A line that sets it, for people to copy. */
export const settingLine = (name: SettingName): string => `${name}=${SETTINGS[name].example}`;
