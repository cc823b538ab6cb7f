// Idempotency keys: what a key is bound to, and what a repeated key is answered with.
// Semantics follow the IETF draft "The Idempotency-Key HTTP Header Field".
import { createHash } from "node:crypto";
import { maskFingerprint } from "../access/decide.ts";
import { BackwrightError } from "../base/errors.ts";
import { IDEMPOTENCY_KEY_BYTES_MAX } from "../base/limits.ts";
import type { ReadGrant, ResourceModel } from "../model/model.ts";
import type { Value } from "../sql/statement.ts";
import type { RequestContext } from "./context.ts";

/** The values that a claim on a key needs. */
export interface KeyClaim {
  readonly lock: string;
  readonly scope: string;
  readonly key: string;
  readonly hash: string;
  readonly mask: string;
}

const PRINTABLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/**
 * Binds a key to the tenant, the subject, the face with its version, the operation and the record:
 * the same key elsewhere is another key. Throws IDEMPOTENCY_KEY_INVALID.
 */
export function claimKey(
  key: string | undefined,
  context: RequestContext,
  resource: Pick<ResourceModel, "name">,
  operation: string,
  body: unknown,
  grant: ReadGrant | undefined,
): KeyClaim | undefined {
  if (key === undefined) return undefined;
  if (key.length > IDEMPOTENCY_KEY_BYTES_MAX || !PRINTABLE.test(key)) {
    throw new BackwrightError("IDEMPOTENCY_KEY_INVALID");
  }
  const { actor, face } = context;
  const scope = `${face} ${actor.id} ${resource.name}.${operation}`;
  const name = createHash("sha256").update(`${actor.tenantId}\n${scope}\n${key}`).digest();
  return {
    lock: name.readBigInt64BE().toString(),
    scope,
    key,
    hash: createHash("sha256").update(JSON.stringify(body)).digest("base64url"),
    mask: maskFingerprint(grant),
  };
}

/** The reply that was stored when the key was first used. */
export interface StoredReply {
  readonly hash: Value;
  readonly mask: Value;
  readonly id: string;
  readonly json: string;
  readonly version: Value;
  /** Of the reply, as HTTP counts them. */
  readonly status: Value;
}

/** Throws IDEMPOTENCY_KEY_REUSED when the key came with another body. */
export function checkSameRequest(stored: StoredReply, claim: KeyClaim): void {
  if (stored.hash !== claim.hash) throw new BackwrightError("IDEMPOTENCY_KEY_REUSED");
}
