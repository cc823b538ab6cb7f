// From a credential to an actor. Looks the key up once, its claims with it, and keeps both for at
// most CREDENTIAL_CACHE_MS: a hit costs one SHA-256 and a map.
import type { Actor } from "../access/actor.ts";
import { monotonicMs } from "../base/clock.ts";
import { BackwrightError, type ErrorDetail } from "../base/errors.ts";
import { CREDENTIAL_CACHE_MS } from "../base/limits.ts";
import type { Database } from "../database/database.ts";
import { encodeArray } from "../model/fields.ts";
import type { ClaimModel, Model } from "../model/model.ts";
import { columnName, livingCondition, tableName } from "../sql/names.ts";
import { Parameters, type Statement, type Value } from "../sql/statement.ts";
import { hashApiKey, isApiKey } from "./api-keys.ts";
import { type Credential, Credentials, LookUpGate } from "./credentials.ts";

interface LookedUpClaim {
  readonly claim: ClaimModel;
  readonly statement: Statement;
}

const HEADER = "Authorization";

// Asked again before the time is over, so that a busy key never waits for the look-up.
const REFRESH_AFTER_MS = CREDENTIAL_CACHE_MS * 0.6;

export class Authenticator {
  readonly #database: Database;
  readonly #model: Model;
  readonly #claims: readonly LookedUpClaim[];
  readonly #findKey: Statement;
  readonly #tenantLives: Statement;
  readonly #hint: readonly ErrorDetail[];
  readonly #credentials = new Credentials();
  readonly #gate = new LookUpGate();

  /** `hint` says in a refusal where keys are to be had. */
  constructor(database: Database, model: Model, hint?: string) {
    this.#database = database;
    this.#model = model;
    this.#hint = hint === undefined ? [] : [{ field: HEADER, message: hint }];
    this.#claims = [...model.claims.values()].flatMap((claim) => {
      const statement = claimStatement(claim);
      return statement === undefined ? [] : [{ claim, statement }];
    });
    this.#tenantLives = tenantStatement(model);
    const parameters = new Parameters();
    const wanted = `decode(${parameters.input(0, "text")}, 'hex')`;
    this.#findKey = parameters.statement(
      "select id::text, tenant_id::text, role, subject::text, claims::text " +
        `from backwright.find_api_key(${wanted})`,
    );
  }

  /**
   * The actor of an Authorization header. Throws UNAUTHENTICATED for anything but a living key;
   * rejects with DatabaseFailure when the database cannot be asked.
   */
  async authenticate(authorization: string | undefined): Promise<Actor> {
    const [scheme, key, ...rest] = authorization?.split(" ") ?? [];
    const isBearer = scheme?.toLowerCase() === "bearer" && rest.length === 0;
    if (authorization === undefined) throw this.#refusal("is missing");
    if (!isBearer || key === undefined || !isApiKey(key)) {
      throw this.#refusal("is not Bearer with an API key, bw_…");
    }
    const actor = await this.#lookUp(hashApiKey(key));
    if (actor === null) throw this.#refusal("holds a key that is unknown, expired or revoked");
    return actor;
  }

  #refusal(message: string): BackwrightError {
    const details = [{ field: HEADER, message }, ...this.#hint];
    return new BackwrightError("UNAUTHENTICATED", { details });
  }

  #lookUp(keyHash: string): Promise<Actor | null> {
    const known = this.#credentials.get(keyHash);
    const age = known === undefined ? Number.POSITIVE_INFINITY : monotonicMs() - known.madeMs;
    if (known === undefined || age >= CREDENTIAL_CACHE_MS) return this.#refresh(keyHash);
    if (age >= REFRESH_AFTER_MS && !known.isRefreshing) {
      known.isRefreshing = true;
      this.#refresh(keyHash, known).catch(() => {
        known.isRefreshing = false; // Believed until its time is over, then asked again.
      });
    }
    return known.actor;
  }

  /** `shown` stays in place until the new answer is there. */
  async #refresh(keyHash: string, shown?: Credential): Promise<Actor | null> {
    const credentials = this.#credentials;
    const wasLiving = credentials.isKnown(keyHash);
    const load = (): Promise<Actor | null> => this.#load(keyHash);
    const actor = wasLiving ? load() : this.#gate.pass(load);
    const made: Credential = { actor, madeMs: monotonicMs(), isRefreshing: false };
    // Others wait for this one look-up.
    if (shown === undefined) credentials.keep(keyHash, made, wasLiving);
    try {
      const found = await actor;
      credentials.keep(keyHash, made, found !== null);
      return found;
    } catch (error) {
      credentials.forget(keyHash, made);
      throw error;
    }
  }

  async #load(keyHash: string): Promise<Actor | null> {
    const nobody = { claims: {} };
    const [row] = await this.#database.read(this.#findKey, nobody, [keyHash]);
    const [credential, tenantId, role, id, carried] = row ?? [];
    if (credential == null || tenantId == null || role == null || id == null) return null;
    if (!this.#model.roles.includes(role)) return null;
    const identity = { tenantId, role, id, credential };
    const [[tenant], actor] = await Promise.all([
      this.#database.read(this.#tenantLives, { claims: { tenantId } }, []),
      this.actorFor(identity, this.#carriedClaims(carried ?? "{}")),
    ]);
    return tenant === undefined ? null : actor; // Keys do not outlive their tenant.
  }

  /** An actor whose identity is known by other means, with its claims looked up. */
  async actorFor(
    identity: Omit<Actor, "claims">,
    carried: Readonly<Record<string, Value>> = {},
  ): Promise<Actor> {
    const { id, tenantId, credential } = identity;
    const claims: Record<string, Value> = { ...carried, id, tenantId, credential };
    const found = await Promise.all(
      this.#claims.map(({ statement }) => this.#database.read(statement, { claims }, [])),
    );
    this.#claims.forEach(({ claim }, at) => {
      claims[claim.name] = found[at]?.[0]?.[0] ?? null;
    });
    return Object.freeze({ ...identity, claims });
  }

  /** Claims that the key itself holds, as far as they are declared so. */
  #carriedClaims(text: string): Record<string, Value> {
    const carried = JSON.parse(text) as Record<string, unknown>;
    const claims: Record<string, Value> = {};
    for (const claim of this.#model.claims.values()) {
      const value = carried[claim.name];
      if (claim.lookup !== undefined || value == null) continue;
      claims[claim.name] = Array.isArray(value) ? encodeArray(value.map(String)) : String(value);
    }
    return claims;
  }
}

/** One row while the tenant is there and not marked as deleted. */
function tenantStatement({ tenant }: Model): Statement {
  const parameters = new Parameters();
  const living = livingCondition(tenant, "t", parameters) ?? "true";
  return parameters.statement(`select 1::text from ${tableName(tenant)} t where ${living}`);
}

/** Reads a looked-up claim for the subject, behind the wall of its tenant. */
function claimStatement(claim: ClaimModel): Statement | undefined {
  if (claim.lookup === undefined) return undefined;
  const { table, column, where } = claim.lookup;
  const parameters = new Parameters();
  const values = columnName(column, "c");
  const isList = claim.sql.endsWith("[]");
  const select = isList
    ? `coalesce(array_agg(${values}), '{}')::text`
    : `(array_agg(${values}))[1]::text`;
  const conditions = [
    livingCondition(table, "c", parameters),
    `${columnName(where, "c")} = ${parameters.claim("id", "uuid")}`,
  ].filter((condition) => condition !== undefined);
  return parameters.statement(
    `select ${select} from ${tableName(table)} c where ${conditions.join(" and ")}`,
  );
}
