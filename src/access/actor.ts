// Who asks. An actor is made of a verified credential and of nothing that the request says.
import type { Value } from "../sql/statement.ts";

export interface Actor {
  readonly tenantId: string;
  /** One role per actor and tenant. */
  readonly role: string;
  /** The subject: `me.id`. */
  readonly id: string;
  /** The credential that proved it, for the audit log. */
  readonly credential: string;
  /** Every claim as PostgreSQL text, `id`, `tenantId` and `credential` among them. */
  readonly claims: Readonly<Record<string, Value>>;
}
