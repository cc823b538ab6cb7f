// Every command with its arguments and help. Loads nothing of what the commands do until one is
// called, so that help and completion are quick.
import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { loadEnvironmentFiles } from "../app/environment-files.ts";
import { requireNode } from "../app/node-version.ts";
import { requireProjectFolder } from "../app/project-folder.ts";
import { backwrightVersion } from "../app/version.ts";

const serving = () => import("./serve-command.ts");
const migrating = () => import("./migrate-command.ts");
const databases = () => import("./database-command.ts");
const keys = () => import("./keys-command.ts");
const modelling = () => import("./model-command.ts");
const access = () => import("./access-command.ts");
const documenting = () => import("./docs-command.ts");
const transferring = () => import("./import-command.ts");

type Folder = () => string;
/** They say themselves what is wrong with it. */
const ON_ANY_NODE = new Set(["doctor", "version"]);
const FORMATS = ["csv", "ndjson", "json"];

export function createProgram(): Command {
  const program = new Command("backwright")
    .description("The backend of a domain declared in TypeScript, on PostgreSQL.")
    .version(backwrightVersion(), "--version", "print the version")
    .option("--project <folder>", "the folder of backend.ts", ".")
    .option("--verbose", "show the cause of an error")
    .addHelpText("after", "\nIn a project: npx backwright <command>")
    .showSuggestionAfterError();
  const folder: Folder = () => program.opts<{ project: string }>().project;
  program.hook("preAction", (_program, command) => {
    if (!ON_ANY_NODE.has(command.name())) requireNode();
    requireProjectFolder(folder());
    loadEnvironmentFiles(folder(), command.name() === "start" ? "production" : "development");
  });
  addServing(program, folder);
  addMigrate(program, folder);
  addDatabase(program, folder);
  addKeys(program, folder);
  addModel(program, folder);
  addAccess(program, folder);
  addTransfer(program, folder);
  addAid(program, folder);
  nameHelp(program, program.name());
  return program;
}

/** After a mistake each command names the help of its own. */
function nameHelp(command: Command, path: string): void {
  command.showHelpAfterError(`(${path} --help shows what there is)`);
  for (const child of command.commands) nameHelp(child, `${path} ${child.name()}`);
}

function examples(...lines: readonly string[]): string {
  const title = lines.length === 1 ? "Example" : "Examples";
  return `\n${title}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

function addServing(program: Command, folder: Folder): void {
  program
    .command("dev")
    .description("serve for development: embedded PostgreSQL, migrations, demo data, keys printed")
    .option("--no-watch", "do not serve anew when a file changes")
    .addHelpText("after", examples("backwright dev", "PORT=8080 backwright dev"))
    .action(async ({ watch }: { watch: boolean }) =>
      (await serving()).runDevelopment(folder(), watch),
    );
  program
    .command("start")
    .description("serve in production: needs DATABASE_URL and SECRET_KEY")
    .addHelpText("after", examples("DATABASE_URL=… SECRET_KEY=… backwright start"))
    .action(async () => (await serving()).runProduction(folder()));
}

function addMigrate(program: Command, folder: Folder): void {
  const migrate = program.command("migrate").description("write, apply and inspect migrations");
  migrate
    .command("new <name>")
    .description("write the next migration from what changed in the tables")
    .option("--by-hand", "write a draft to be completed, for renames")
    .option("--json", "its path as JSON; null where there is nothing to write")
    .addHelpText("after", examples("backwright migrate new add-meter-readings"))
    .action(async (name: string, options) =>
      (await migrating()).newMigration(folder(), name, options),
    );
  migrate
    .command("up")
    .description("apply what is pending")
    .option("--to <name>", "stop after this migration")
    .option("--json", "what was applied, as JSON")
    .addHelpText(
      "after",
      examples("backwright migrate up", "backwright migrate up --to 0002-meters"),
    )
    .action(async (options) => (await migrating()).migrateProjectUp(folder(), options));
  migrate
    .command("down")
    .description("take the newest migrations back")
    .option("--steps <number>", "how many", wholeNumber, 1)
    .option("--json", "what was taken back, as JSON")
    .addHelpText("after", examples("backwright migrate down --steps 2"))
    .action(async (options) => (await migrating()).migrateProjectDown(folder(), options));
  migrate
    .command("status")
    .description("compare the migrations here with the database; 1 where an applied one differs")
    .option("--json", "as JSON")
    .addHelpText("after", examples("backwright migrate status"))
    .action(async ({ json }: { json?: boolean }) =>
      (await migrating()).printMigrationStatus(folder(), json === true),
    );
}

function addDatabase(program: Command, folder: Folder): void {
  const database = program
    .command("database")
    .alias("db")
    .description("set up, open or reset the database");
  database
    .command("setup <name>")
    .description("create the database and its owner and app roles, or print the SQL for it")
    .option("--admin-url <url>", "log in as somebody who may create roles; without it, print SQL")
    .addHelpText("after", examples("backwright database setup my_app > setup.sql"))
    .action(async (name: string, { adminUrl }: { adminUrl?: string }) =>
      (await databases()).setUpDatabase(name, adminUrl),
    );
  database
    .command("url")
    .description("print the owner's address, with its password")
    .option("--app", "the app login instead: what requests see")
    .option("--json", "with its login as JSON")
    .addHelpText("after", examples("backwright db url", "backwright db url --app"))
    .action(async (options) => (await databases()).printDatabaseUrl(folder(), options));
  database
    .command("psql [arguments...]")
    .description("open psql as the owner")
    .option("--app", "as the app login instead: what requests see")
    .addHelpText("after", examples("backwright db psql", "backwright db psql -- -c 'select 1'"))
    .action(async (args: string[], options) =>
      (await databases()).runPsql(folder(), options, args),
    );
  database
    .command("reset")
    .description("delete the embedded development database, after asking")
    .option("--yes", "do not ask")
    .addHelpText("after", examples("backwright db reset && backwright dev"))
    .action(async ({ yes }: { yes?: boolean }) =>
      (await databases()).resetProjectDatabase(folder(), yes === true),
    );
}

function addKeys(program: Command, folder: Folder): void {
  const group = program.command("keys").description("create, list, rotate and revoke API keys");
  group
    .command("create")
    .description("create an API key and print it: the only time that it is shown")
    .requiredOption("--tenant <id>", "the tenant that it belongs to")
    .requiredOption("--role <role>", "what it may do")
    .requiredOption("--subject <id>", "who it stands for: me.id in policies")
    .option("--name <name>", "for people", "created by hand")
    .option("--days <number>", "until it expires", wholeNumber)
    .option("--claim <name=value>", "a claim that it carries; again for others, or more", collected)
    .option("--json", "id and key as JSON")
    .addHelpText(
      "after",
      examples("backwright keys create --tenant <id> --role manager --subject <id> --days 90"),
    )
    .action(async (options) => (await keys()).createKey(folder(), options));
  group
    .command("list")
    .description("list the living keys, by their first characters")
    .option("--tenant <id>", "of one tenant")
    .option("--all", "expired and revoked ones as well")
    .option("--json", "as JSON")
    .addHelpText("after", examples("backwright keys list --tenant <id> --all"))
    .action(async (options) => (await keys()).listKeys(folder(), options));
  group
    .command("rotate <id>")
    .description("replace a key by one like it, and print that: the only time that it is shown")
    .option("--grace-minutes <number>", "how long the old one still works", minutes, 0)
    .option("--json", "id and key as JSON")
    .addHelpText("after", examples("backwright keys rotate <id> --grace-minutes 60"))
    .action(async (id: string, options) => (await keys()).rotateKey(folder(), id, options));
  group
    .command("revoke <id>")
    .description("end a key, within five seconds")
    .option("--json", "what was revoked, as JSON")
    .addHelpText("after", examples("backwright keys revoke <id>"))
    .action(async (id: string, options) => (await keys()).revokeKey(folder(), id, options));
}

function addModel(program: Command, folder: Folder): void {
  program
    .command("manifest")
    .description("print the whole backend as one JSON document")
    .addHelpText("after", examples("backwright manifest > manifest.json"))
    .action(async () => (await modelling()).printManifest(folder()));
  program
    .command("client")
    .description("print the contract as TypeScript, for a client in another repository")
    .option("--role <role>", "only what this role may use")
    .addHelpText("after", examples("backwright client --role viewer > src/api.ts"))
    .action(async ({ role }: { role?: string }) => (await modelling()).printClient(folder(), role));
  program
    .command("docs")
    .description(
      "write pages about it: architecture, schema, access, setup, settings, testing, errors",
    )
    .option("--out <folder>", "where to; docs/ of the project unless given")
    .option("--check", "write nothing; fail where a page is missing or stale")
    .addHelpText("after", examples("backwright docs", "backwright docs --check"))
    .action(async (options) => (await documenting()).writeDocs(folder(), options));
}

function addTransfer(program: Command, folder: Folder): void {
  program
    .command("import <resource> <file>")
    .description(
      "write the records of a CSV, NDJSON or JSON file (.gz too; - is standard input) through " +
        "the API's operations",
    )
    .requiredOption("--map <file>", "what the file's records mean, as JSON")
    .option("--key <key>", "the API key of who writes; or BACKWRIGHT_KEY")
    .option("--tenant <name>", "the development key of this tenant")
    .option("--role <role>", "the development key of this role")
    .addOption(new Option("--format <format>", "unless the file's name tells").choices(FORMATS))
    .option("--dry-run", "check every record and write nothing")
    .option("--rejects <file>", "where rejected records go (<file>.rejected.<format>)")
    .option("--json", "the summary as JSON")
    .addHelpText(
      "after",
      examples(
        "backwright import work-orders requests.csv --map requests.map.json --dry-run",
        'backwright import work-orders requests.csv --map requests.map.json --tenant "Acme"',
        "cat sites.ndjson | backwright import sites - --format ndjson --map sites.map.json",
      ),
    )
    .action(async (resource: string, file: string, options) =>
      (await transferring()).importFile(folder(), resource, file, options),
    );
  program
    .command("export <resource>")
    .description("print the records that a key may read, all of them or those of a query")
    .option("--key <key>", "the API key of who reads; or BACKWRIGHT_KEY")
    .option("--tenant <name>", "the development key of this tenant")
    .option("--role <role>", "the development key of this role")
    .option("--query <query>", "filters, sort, fields and include as in an address")
    .addOption(new Option("--format <format>", "ndjson unless --out tells").choices(FORMATS))
    .option("--out <file>", "write a file in place of standard output; .gz compresses it")
    .option("--spreadsheet", "with csv: cells that would be formulas begin with '")
    .option("--json", "the summary, which goes to standard error, as JSON")
    .addHelpText(
      "after",
      examples(
        "backwright export work-orders --query 'filter[status]=open&fields=id,title' > open.ndjson",
        "backwright export sites --out sites.csv.gz --spreadsheet",
      ),
    )
    .action(async (resource: string, options) =>
      (await import("./export-command.ts")).exportRecords(folder(), resource, options),
    );
}

function addAccess(program: Command, folder: Folder): void {
  const formats = new Option("--format <format>").choices(["text", "markdown", "json"]);
  const group = program
    .command("access")
    .description("print who may do what: operations and fields by role")
    .addOption(formats.default("text"))
    .option("--json", "the same as --format json")
    .addHelpText("after", examples("backwright access", "backwright access --format markdown"))
    .action(async ({ format, json }) =>
      (await access()).printAccess(folder(), json === true ? "json" : format),
    );
  group
    .command("explain")
    .description("say which grant decides, and for a record which conditions hold")
    .requiredOption("--as <role>", "the role that asks")
    .requiredOption("--operation <operation>", "such as workOrders.update")
    .option("--id <id>", "a record: is it visible, may it be written, and why not")
    .option("--subject <id>", "with --id: who asks, me.id in policies")
    .option("--tenant <id>", "with --id: whose; the record's own if left out")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      examples("backwright access explain --as technician --operation workOrders.update"),
    )
    // `access` has a --json as well, and takes it wherever it stands.
    .action(async (_options, command: Command) =>
      (await access()).explainAccess(folder(), command.optsWithGlobals()),
    );
}

function addAid(program: Command, folder: Folder): void {
  program
    .command("doctor")
    .description(
      "look for what is wrong, and change nothing: versions, settings, port, database, migrations",
    )
    .option("--json", "as JSON")
    .addHelpText("after", examples("backwright doctor"))
    .action(async ({ json }: { json?: boolean }) =>
      (await import("./doctor-command.ts")).runDoctor(folder(), json === true),
    );
  program
    .command("version")
    .description("print the versions that a report of a fault should name")
    .option("--json", "as JSON")
    .addHelpText("after", examples("backwright version"))
    .action(async ({ json }: { json?: boolean }) =>
      (await import("./doctor-command.ts")).printVersions(json === true),
    );
  program
    .command("completion")
    .description("print the script that completes commands and options in a shell")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
    .addHelpText(
      "after",
      examples(
        'bash: eval "$(backwright completion bash)"',
        'zsh:  eval "$(backwright completion zsh)"',
        "fish: backwright completion fish | source",
      ),
    )
    .action(async (shell: string) =>
      (await import("./completion.ts")).printCompletion(program, shell),
    );
}

const collected = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  text,
];

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError("It must be a whole number from 1.");
}

// LIMIT: thirty days; a key that should live on needs no rotation.
const MINUTES_MAX = 43_200;

function minutes(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= MINUTES_MAX) return number;
  throw new InvalidArgumentError(`It must be a whole number from 0 to ${MINUTES_MAX}.`);
}
