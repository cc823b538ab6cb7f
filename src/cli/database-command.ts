// `backwright database …` (`db`): setup, url, psql, reset.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { requireOwnerUrl, resetDatabase, withProjectDatabase } from "../app/databases.ts";
import { loadProject } from "../app/project.ts";
import { StartError } from "../base/errors.ts";
import { addressWith } from "../database/embedded-url.ts";
import { roleNames, setupDatabase, setupSql } from "../database/roles.ts";
import { print, printJson, progress } from "./output.ts";

/** With an administrator's address the roles are made, otherwise their SQL is printed. */
export async function setUpDatabase(name: string, adminUrl: string | undefined): Promise<void> {
  if (adminUrl === undefined) {
    print(setupSql(name));
    return;
  }
  const secret = (): string => randomBytes(24).toString("base64url");
  const passwords = { owner: secret(), app: secret() };
  await setupDatabase({ adminUrl, database: name, passwords });
  const roles = roleNames(name);
  const url = (user: string, password: string): string =>
    addressWith(adminUrl, { user, password, database: name });
  progress("Keep these two lines secret; they are not shown again.");
  print(`DATABASE_URL=${url(roles.app, passwords.app)}`);
  print(`DATABASE_OWNER_URL=${url(roles.owner, passwords.owner)}`);
}

export interface LoginOptions {
  /** The app login instead of the owner's: what requests see, behind the wall. */
  readonly app?: boolean;
}

export async function printDatabaseUrl(
  folder: string,
  { app, json }: LoginOptions & { readonly json?: boolean },
): Promise<void> {
  const project = await loadProject(folder);
  await withProjectDatabase(project, progress, async (database) => {
    const { isEmbedded } = database;
    const url = app === true ? database.url : requireOwnerUrl(database);
    if (json === true) printJson({ url, login: app === true ? "app" : "owner", isEmbedded });
    else print(url);
    if (isEmbedded) progress("It answers while `npx backwright dev` runs.");
  });
}

/** Runs psql with the terminal as its own, and ends as it ended. */
export async function runPsql(
  folder: string,
  { app }: LoginOptions,
  args: readonly string[],
): Promise<void> {
  const psql = await findOnPath("psql");
  if (psql === undefined) {
    throw new StartError("psql is not installed: it is PostgreSQL's own command line.", {
      fix:
        "apt install postgresql-client, or brew install libpq. Other clients take the address " +
        "that `npx backwright db url` prints.",
    });
  }
  const project = await loadProject(folder);
  await withProjectDatabase(project, progress, async (database) => {
    const address = new URL(app === true ? database.url : requireOwnerUrl(database));
    // In the environment: other users of the machine see the arguments of a program.
    const PGPASSWORD = decodeURIComponent(address.password);
    address.password = "";
    const env = { ...process.env, PGPASSWORD };
    const child = spawn(psql, [address.href, ...args], { stdio: "inherit", env });
    // Ctrl-C ends a query of psql, not this program, which holds the server.
    const stay = (): void => undefined;
    process.on("SIGINT", stay);
    try {
      process.exitCode = await new Promise<number>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code) => resolve(code ?? 1));
      });
    } finally {
      process.off("SIGINT", stay);
    }
  });
}

async function findOnPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, process.platform === "win32" ? `${name}.exe` : name);
    const isThere = await access(path, constants.X_OK).then(
      () => folder !== "",
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

/** Asks on a terminal; without one, `--yes` is the only yes. */
export async function resetProjectDatabase(folder: string, isSure: boolean): Promise<void> {
  const project = await loadProject(folder);
  const question = `Delete the development database of ${project.backend.name}, for good? [y/N] `;
  if (!isSure && !(await confirms(question))) {
    throw new StartError("Nothing was deleted.", { fix: "npx backwright db reset --yes" });
  }
  await resetDatabase(project);
  print("The development database is gone. `npx backwright dev` makes a new one.");
}

async function confirms(question: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
