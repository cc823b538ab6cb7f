// `backwright keys …`: create, list, rotate, revoke. A secret is printed alone on standard output.
import { withOwner } from "../app/databases.ts";
import { loadProject } from "../app/project.ts";
import { now } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";
import type { Session } from "../database/session.ts";
import {
  type ApiKeySummary,
  type IssuedApiKey,
  issueApiKey,
  listApiKeys,
  revokeApiKey,
  rotateApiKey,
} from "../identity/api-keys.ts";
import type { Model } from "../model/model.ts";
import { tableName } from "../sql/names.ts";
import { requireId, requireRole } from "./arguments.ts";
import { carriedClaims } from "./carried-claims.ts";
import { print, printJson, printTable, progress } from "./output.ts";

export interface CreateKeyOptions {
  readonly tenant: string;
  readonly role: string;
  readonly subject: string;
  readonly name: string;
  readonly days?: number;
  /** Each as `name=value`. */
  readonly claim?: readonly string[];
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
  requireId("--subject", subject, "--subject with me.id of who uses the key: any UUID of yours");
  const claims = carriedClaims(project.model, options.claim);
  await withOwner(project, progress, async (owner) => {
    await requireTenant(owner, project.model, tenantId);
    const expiry = days === undefined ? {} : { expiresAt: new Date(now() + days * DAY_MS) };
    const key = { tenantId, role, subject, name, claims, ...expiry };
    printSecret(await issueApiKey(owner, key), options);
  });
}

export async function listKeys(folder: string, options: ListKeysOptions): Promise<void> {
  const project = await loadProject(folder);
  const { tenant: tenantId, all } = options;
  if (tenantId !== undefined)
    requireId("--tenant", tenantId, "`npx backwright keys list` shows the tenants that have keys.");
  await withOwner(project, progress, async (owner) => {
    const keys = await listApiKeys(owner, { tenantId, isLiving: all !== true });
    if (options.json === true) printJson(keys);
    else if (keys.length === 0) progress("There are no keys: npx backwright keys create --help");
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
  requireKeyId(id);
  const { graceMinutes } = options;
  await withOwner(await loadProject(folder), progress, async (owner) => {
    const made = await rotateApiKey(owner, id, graceMinutes);
    if (made === undefined) throw noSuchKey(id);
    const end = graceMinutes === 0 ? "is revoked" : `works for ${graceMinutes} more minutes`;
    progress(`The old key ${end}. ${SOON}`);
    printSecret(made, options);
  });
}

export async function revokeKey(
  folder: string,
  id: string,
  { json }: { readonly json?: boolean },
): Promise<void> {
  requireKeyId(id);
  await withOwner(await loadProject(folder), progress, async (owner) => {
    const revoked = await revokeApiKey(owner, id);
    if (revoked === undefined) throw noSuchKey(id);
    if (json === true) printJson(revoked);
    else print(`Revoked ${revoked.hint}… (${revoked.role}, ${revoked.name}). ${SOON}`);
  });
}

function requireKeyId(id: string): void {
  requireId(
    "The key's id",
    id,
    "`npx backwright keys list` shows the ids; the key itself is none.",
  );
}

// LIMIT: enough to choose from at a glance; a list of all is a query's work.
const TENANTS_SHOWN = 3;

/** Throws StartError with those that there are. */
async function requireTenant(owner: Session, model: Model, id: string): Promise<void> {
  const { schema = "public", sqlName } = model.tenant;
  const name = `${schema}.${sqlName}`;
  const known = await owner.query<{ id: string }>(
    `select id::text as id from ${tableName(model.tenant)}
     order by id::text = $1 desc, id limit ${TENANTS_SHOWN}`,
    [id.toLowerCase()],
  );
  if (known[0]?.id === id.toLowerCase()) return;
  throw new StartError(`There is no tenant "${id}" in the database.`, {
    fix:
      known.length === 0
        ? `Make one first: a row of ${name}. A seed.ts does it when \`npx backwright dev\` starts.`
        : `--tenant ${known.map((one) => one.id).join(" | ")}, or another id of ${name}`,
  });
}

function noSuchKey(id: string): StartError {
  return new StartError(`There is no living key ${id}.`, { fix: "npx backwright keys list --all" });
}

function printSecret(made: IssuedApiKey, { json }: { readonly json?: boolean }): void {
  progress("Keep it secret; it is not shown again.");
  if (json === true) printJson(made);
  else print(made.key);
}
