#!/usr/bin/env node
// The program `backwright`: arguments in, text out. What a command does stands elsewhere.
import { Command, InvalidArgumentError } from "commander";
import { loadEnvironmentFiles } from "../app/environment-files.ts";
import { printFailure } from "./output.ts";

// Commands are imported when they are called: `--help` loads none of them.
const serving = () => import("./serve-command.ts");
const migrating = () => import("./migrate-command.ts");
const documenting = () => import("./docs-command.ts");
const administering = () => import("./admin-command.ts");

const program = new Command("backwright")
  .description("The backend of a domain declared in TypeScript, on PostgreSQL.")
  .option("--project <folder>", "the folder of backend.ts", ".")
  .option("--verbose", "show the cause of an error")
  .showSuggestionAfterError()
  .showHelpAfterError("(backwright --help shows what there is)");

const folder = (): string => program.opts<{ project: string }>().project;

program.hook("preAction", (_program, command) => {
  loadEnvironmentFiles(folder(), command.name() === "start" ? "production" : "development");
});

program
  .command("dev")
  .description("serve for development: embedded PostgreSQL, migrations, demo data, keys printed")
  .action(async () => (await serving()).runDevelopment(folder()));

program
  .command("start")
  .description("serve in production: needs DATABASE_URL and SECRET_KEY")
  .action(async () => (await serving()).runProduction(folder()));

const migrate = program.command("migrate").description("write, apply and inspect migrations");

migrate
  .command("new <name>")
  .description("write the next migration from what changed in the tables")
  .option("--by-hand", "write a draft to be completed, for renames")
  .addHelpText("after", "\nExample:\n  backwright migrate new add-meter-readings")
  .action(async (name: string, { byHand }: { byHand?: boolean }) =>
    (await migrating()).newMigration(folder(), name, byHand === true),
  );

migrate
  .command("up")
  .description("apply what is pending")
  .option("--to <name>", "stop after this migration")
  .action(async ({ to }: { to?: string }) => (await migrating()).migrateProjectUp(folder(), to));

migrate
  .command("down")
  .description("take the newest migrations back")
  .option("--steps <number>", "how many", wholeNumber, 1)
  .action(async ({ steps }: { steps: number }) =>
    (await migrating()).migrateProjectDown(folder(), steps),
  );

migrate
  .command("status")
  .description("compare the migrations here with the database")
  .option("--json", "as JSON")
  .action(async ({ json }: { json?: boolean }) =>
    (await migrating()).printMigrationStatus(folder(), json === true),
  );

program
  .command("docs")
  .description("write pages about the backend: architecture, schema, setup, testing, errors")
  .option("--out <folder>", "where to; docs/ of the project unless given")
  .option("--check", "write nothing; fail where a page is missing or stale")
  .addHelpText("after", "\nExample:\n  backwright docs --check")
  .action(async (options) => (await documenting()).writeDocs(folder(), options));

program
  .command("database")
  .description("set the database and its roles up")
  .command("setup <name>")
  .description("create the database and its owner and app roles, or print the SQL for it")
  .option("--admin-url <url>", "log in as somebody who may create roles; without it, print SQL")
  .addHelpText("after", "\nExample:\n  backwright database setup my_app > setup.sql")
  .action(async (name: string, { adminUrl }: { adminUrl?: string }) =>
    (await administering()).setUpDatabase(name, adminUrl),
  );

program
  .command("keys")
  .description("API keys")
  .command("create")
  .description("create an API key and print it: the only time that it is shown")
  .requiredOption("--tenant <id>", "the tenant that it belongs to")
  .requiredOption("--role <role>", "what it may do")
  .requiredOption("--subject <id>", "who it stands for: me.id in policies")
  .option("--name <name>", "for people", "created by hand")
  .option("--days <number>", "until it expires", wholeNumber)
  .action(async (options) => (await administering()).createKey(folder(), options));

program
  .command("manifest")
  .description("print the whole backend as one JSON document")
  .action(async () => (await administering()).printManifest(folder()));

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new InvalidArgumentError("It must be a whole number from 1.");
  }
  return number;
}

try {
  await program.parseAsync();
} catch (error) {
  printFailure(error, program.opts<{ verbose?: boolean }>().verbose === true);
  process.exit(1);
}
