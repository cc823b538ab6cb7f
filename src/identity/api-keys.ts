// API keys: random, prefixed, kept as a hash. A verified key is believed for at most five seconds,
// so a revoked one dies within that time.
import { hash, randomBytes } from "node:crypto";
import { newId } from "../base/ids.ts";
import type { Session } from "../database/session.ts";

const PREFIX = "bw_";
const KEY = /^bw_[A-Za-z0-9_-]{43}$/;

export interface NewApiKey {
  readonly tenantId: string;
  readonly role: string;
  /** `me.id`: the person or service that the key stands for. */
  readonly subject: string;
  readonly name: string;
  readonly expiresAt?: Date;
  /** Claims that the credential carries. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Whether a text has the form of a key; costs no hash. */
export function isApiKey(text: string): boolean {
  return KEY.test(text);
}

/** What is stored and looked up: 256 random bits need no slow hash. */
export function hashApiKey(key: string): string {
  return hash("sha256", key, "hex");
}

/** A secret is known in full when it is made, and never again. */
export interface IssuedApiKey {
  readonly id: string;
  readonly key: string;
}

/** Creates a key as the owner and returns it: the only time that it is known in full. */
export async function createApiKey(session: Session, key: NewApiKey): Promise<string> {
  return (await issueApiKey(session, key)).key;
}

export async function issueApiKey(session: Session, key: NewApiKey): Promise<IssuedApiKey> {
  const made = newSecret();
  await session.query(
    `insert into backwright.api_keys
       (id, tenant_id, hash, hint, name, role, subject, claims, expires_at)
     values ($1, $2, decode($3, 'hex'), $4, $5, $6, $7, $8, $9)`,
    [
      made.id,
      key.tenantId,
      made.hash,
      made.hint,
      key.name,
      key.role,
      key.subject,
      JSON.stringify(key.claims ?? {}),
      key.expiresAt?.toISOString() ?? null,
    ],
  );
  return { id: made.id, key: made.key };
}

/** A key as it may be shown: its first characters, never its hash. */
export interface ApiKeySummary {
  readonly id: string;
  readonly tenantId: string;
  readonly hint: string;
  readonly name: string;
  readonly role: string;
  readonly subject: string;
  readonly state: "living" | "expired" | "revoked";
  /** ISO 8601 in UTC, as the two below. */
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

const instant = (column: string): string =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;
const LIVING = "revoked_at is null and (expires_at is null or expires_at > now())";
const SUMMARY = `id::text, tenant_id::text as "tenantId", hint, name, role, subject::text,
  case when revoked_at is not null then 'revoked' when ${LIVING} then 'living'
    else 'expired' end as state,
  ${instant("created_at")} as "createdAt", ${instant("expires_at")} as "expiresAt",
  ${instant("revoked_at")} as "revokedAt"`;

/** Keys in the order of their making, as the owner sees them: of all tenants, or of one. */
export function listApiKeys(
  session: Session,
  of: { readonly tenantId?: string | undefined; readonly isLiving: boolean },
): Promise<ApiKeySummary[]> {
  return session.query<ApiKeySummary>(
    `select ${SUMMARY} from backwright.api_keys
     where ($1::uuid is null or tenant_id = $1) and (not $2::boolean or ${LIVING})
     order by created_at, id`,
    [of.tenantId ?? null, of.isLiving],
  );
}

/** Ends a living key at once; undefined where there is none of this id. */
export async function revokeApiKey(
  session: Session,
  id: string,
): Promise<ApiKeySummary | undefined> {
  const [revoked] = await session.query<ApiKeySummary>(
    `update backwright.api_keys set revoked_at = now() where id = $1 and ${LIVING}
     returning ${SUMMARY}`,
    [id],
  );
  return revoked;
}

/**
 * Makes a key like a living one, for as long as that one was made for, and ends the old one: after
 * `graceMinutes`, or at once. One statement: there is never none. Undefined where no living key has
 * this id.
 */
export async function rotateApiKey(
  session: Session,
  id: string,
  graceMinutes: number,
): Promise<IssuedApiKey | undefined> {
  const made = newSecret();
  const rows = await session.query(
    `with replaced as (
       update backwright.api_keys
       set revoked_at = case when $5::integer = 0 then now() end,
         expires_at = case when $5::integer = 0 then expires_at
           else least(expires_at, now() + $5::integer * interval '1 minute') end
       where id = $1 and ${LIVING}
       returning tenant_id, name, role, subject, claims,
         old.expires_at - old.created_at as lifetime
     )
     insert into backwright.api_keys
       (id, tenant_id, hash, hint, name, role, subject, claims, expires_at)
     select $2, tenant_id, decode($3, 'hex'), $4, name, role, subject, claims, now() + lifetime
     from replaced returning id`,
    [id, made.id, made.hash, made.hint, graceMinutes],
  );
  return rows.length === 0 ? undefined : { id: made.id, key: made.key };
}

function newSecret() {
  const key = `${PREFIX}${randomBytes(32).toString("base64url")}`;
  return { id: newId(), key, hash: hashApiKey(key), hint: key.slice(0, 9) };
}
