// `backwright database setup`, `keys create` and `manifest`.
import { randomBytes } from "node:crypto";
import { openProjectDatabase, requireOwnerUrl } from "../app/databases.ts";
import { loadProject } from "../app/project.ts";
import { now } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";
import { readSettings } from "../base/settings.ts";
import { addressWith } from "../database/embedded-url.ts";
import { roleNames, setupDatabase, setupSql } from "../database/roles.ts";
import { openSession } from "../database/session.ts";
import { createApiKey } from "../identity/api-keys.ts";
import { manifest } from "../model/manifest.ts";
import { tableName } from "../sql/names.ts";
import { print, progress } from "./output.ts";

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

export interface CreateKeyOptions {
  readonly tenant: string;
  readonly role: string;
  readonly subject: string;
  readonly name: string;
  readonly days?: number;
}

const DAY_MS = 86_400_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export async function createKey(folder: string, options: CreateKeyOptions): Promise<void> {
  const project = await loadProject(folder);
  const { roles } = project.model;
  if (!roles.includes(options.role)) {
    throw new StartError(`There is no role "${options.role}".`, {
      fix: `--role ${roles.join(" | ")}`,
    });
  }
  for (const name of ["tenant", "subject"] as const) {
    if (!UUID.test(options[name])) throw new StartError(`--${name} must be a UUID.`);
  }
  const mode = process.env.DATABASE_URL === undefined ? "development" : "production";
  const settings = readSettings({ SECRET_KEY: "unused".repeat(8), ...process.env }, mode);
  const database = await openProjectDatabase(project, settings, progress);
  try {
    const session = await openSession(requireOwnerUrl(database));
    try {
      const tenants = `select from ${tableName(project.model.tenant)} where id = $1`;
      if ((await session.query(tenants, [options.tenant])).length === 0) {
        throw new StartError(`There is no tenant ${options.tenant} in the database.`, {
          fix: `--tenant with an id of the table ${tableName(project.model.tenant)}`,
        });
      }
      const { days } = options;
      const key = await createApiKey(session, {
        tenantId: options.tenant,
        role: options.role,
        subject: options.subject,
        name: options.name,
        ...(days === undefined ? {} : { expiresAt: new Date(now() + days * DAY_MS) }),
      });
      progress("Keep it secret; it is not shown again.");
      print(key);
    } finally {
      await session.close();
    }
  } finally {
    await database.release();
  }
}

export async function printManifest(folder: string): Promise<void> {
  const project = await loadProject(folder);
  print(JSON.stringify(manifest(project.model), null, 2));
}
