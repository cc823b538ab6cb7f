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

/** Creates a key as the owner and returns it: the only time that it is known in full. */
export async function createApiKey(session: Session, key: NewApiKey): Promise<string> {
  const secret = `${PREFIX}${randomBytes(32).toString("base64url")}`;
  await session.query(
    `insert into backwright.api_keys
       (id, tenant_id, hash, hint, name, role, subject, claims, expires_at)
     values ($1, $2, decode($3, 'hex'), $4, $5, $6, $7, $8, $9)`,
    [
      newId(),
      key.tenantId,
      hashApiKey(secret),
      secret.slice(0, 9),
      key.name,
      key.role,
      key.subject,
      JSON.stringify(key.claims ?? {}),
      key.expiresAt?.toISOString() ?? null,
    ],
  );
  return secret;
}
