// `backwright keys …`: create, list, rotate, revoke. A secret is printed alone on standard output.
import { withOwner } from "../app/databases.ts";
import { loadProject } from "../app/project.ts";
import { now } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";
import {
  type ApiKeySummary,
  type IssuedApiKey,
  issueApiKey,
  listApiKeys,
  revokeApiKey,
  rotateApiKey,
} from "../identity/api-keys.ts";
import { tableName } from "../sql/names.ts";
import { requireId, requireRole } from "./arguments.ts";
import { print, printJson, printTable, progress } from "./output.ts";

export interface CreateKeyOptions {
  readonly tenant: string;
  readonly role: string;
  readonly subject: string;
  readonly name: string;
  readonly days?: number;
  readonly json?: boolean;
}

export interface ListKeysOptions {
  readonly tenant?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

const DAY_MS = 86_400_000;
// Verified keys are believed for five seconds by every serving process.
const SOON = "Serving processes notice within five seconds.";

export async function createKey(folder: string, options: CreateKeyOptions): Promise<void> {
  const project = await loadProject(folder);
  const { days, tenant: tenantId, role, subject, name } = options;
  requireRole(project.model, role);
  requireId("--tenant", tenantId);
  requireId("--subject", subject);
  await withOwner(project, progress, async (owner) => {
    const table = tableName(project.model.tenant);
    if ((await owner.query(`select from ${table} where id = $1`, [tenantId])).length === 0) {
      throw new StartError(`There is no tenant ${tenantId} in the database.`, {
        fix: `--tenant with an id of the table ${table}`,
      });
    }
    const expiry = days === undefined ? {} : { expiresAt: new Date(now() + days * DAY_MS) };
    printSecret(await issueApiKey(owner, { tenantId, role, subject, name, ...expiry }), options);
  });
}

export async function listKeys(folder: string, options: ListKeysOptions): Promise<void> {
  const project = await loadProject(folder);
  const { tenant: tenantId, all } = options;
  if (tenantId !== undefined) requireId("--tenant", tenantId);
  await withOwner(project, progress, async (owner) => {
    const keys = await listApiKeys(owner, { tenantId, isLiving: all !== true });
    if (options.json === true) printJson(keys);
    else if (keys.length === 0) progress("There are no keys: backwright keys create --help");
    else
      printTable(
        ["id", "key", "role", "state", "expires", "tenant", "subject", "name"],
        keys.map(line),
      );
  });
}

function line({ id, hint, role, state, expiresAt, ...key }: ApiKeySummary): readonly string[] {
  const expires = expiresAt ?? "never";
  return [id, `${hint}…`, role, state, expires, key.tenantId, key.subject, key.name];
}

export async function rotateKey(
  folder: string,
  id: string,
  options: { readonly graceMinutes: number; readonly json?: boolean },
): Promise<void> {
  requireId("The key", id);
  const { graceMinutes } = options;
  await withOwner(await loadProject(folder), progress, async (owner) => {
    const made = await rotateApiKey(owner, id, graceMinutes);
    if (made === undefined) throw noSuchKey(id);
    const end = graceMinutes === 0 ? "is revoked" : `works for ${graceMinutes} more minutes`;
    progress(`The old key ${end}. ${SOON}`);
    printSecret(made, options);
  });
}

export async function revokeKey(folder: string, id: string): Promise<void> {
  requireId("The key", id);
  await withOwner(await loadProject(folder), progress, async (owner) => {
    const revoked = await revokeApiKey(owner, id);
    if (revoked === undefined) throw noSuchKey(id);
    print(`Revoked ${revoked.hint}… (${revoked.role}, ${revoked.name}). ${SOON}`);
  });
}

function noSuchKey(id: string): StartError {
  return new StartError(`There is no living key ${id}.`, { fix: "backwright keys list --all" });
}

function printSecret(made: IssuedApiKey, { json }: { readonly json?: boolean }): void {
  progress("Keep it secret; it is not shown again.");
  if (json === true) printJson(made);
  else print(made.key);
}
