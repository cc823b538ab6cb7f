// What a seed may do: make tenants and keys as the owner, and everything else through operations.
import { newId } from "../base/ids.ts";
import type { Session } from "../database/session.ts";
import { createApiKey } from "../identity/api-keys.ts";
import { type FieldModel, fieldOf, type Model } from "../model/model.ts";
import { Caller } from "../operations/caller.ts";
import { columnName, tableName } from "../sql/names.ts";
import type { RunningBackend } from "./serve.ts";

/** A development key, kept in .backwright/keys.json and printed by the banner. */
export interface DevelopmentKey {
  readonly tenant: string;
  readonly role: string;
  readonly name: string;
  readonly key: string;
}

export interface SeedContext {
  /** Creates a tenant and returns its id. */
  tenant(values: Readonly<Record<string, string>>): Promise<string>;
  /** Operations as somebody of a tenant: policies apply, audit and events are written. */
  as(who: { tenantId: string; role: string; id: string }): Promise<Caller>;
  /** Inserts rows into a table that no resource serves, such as a join table, as the owner. */
  insert(table: string, rows: readonly Readonly<Record<string, string>>[]): Promise<void>;
  /** Creates an API key; `tenant` and `name` are for the banner. */
  key(of: {
    tenantId: string;
    tenant: string;
    role: string;
    id: string;
    name: string;
  }): Promise<string>;
}

/** The default export of a project's seed.ts. */
export type Seed = (context: SeedContext) => Promise<void>;

/** Runs a seed against a running backend; returns the keys that it made. */
export async function runSeed(
  seed: Seed,
  backend: RunningBackend,
  owner: Session,
): Promise<readonly DevelopmentKey[]> {
  const keys: DevelopmentKey[] = [];
  await seed(seedContext(backend, owner, (key) => keys.push(key)));
  return keys;
}

/** What a seed is given; the keys that it makes are told to `onKey`. */
export function seedContext(
  backend: RunningBackend,
  owner: Session,
  onKey: (key: DevelopmentKey) => void,
): SeedContext {
  const { model } = backend.context;
  return {
    async tenant(values) {
      const id = newId();
      await insertRow(owner, model, model.tenant.key, { ...values, id });
      return id;
    },
    async as(who) {
      const actor = await backend.authenticator.actorFor({ ...who, credential: who.id });
      return new Caller(backend.context, actor);
    },
    async insert(table, rows) {
      for (const row of rows) await insertRow(owner, model, table, row);
    },
    async key({ tenantId, tenant, role, id, name }) {
      const key = await createApiKey(owner, { tenantId, role, subject: id, name });
      onKey({ tenant, role, name, key });
      return key;
    },
  };
}

async function insertRow(
  owner: Session,
  model: Model,
  key: string,
  row: Readonly<Record<string, string>>,
): Promise<void> {
  const table = model.tables.get(key);
  if (table === undefined) throw new TypeError(`There is no table "${key}"`);
  const fields: FieldModel[] = Object.keys(row).map((name) => fieldOf(table, name));
  const columns = fields.map((field) => columnName(field)).join(", ");
  const places = fields.map((_, at) => `$${at + 1}`).join(", ");
  const text = `insert into ${tableName(table)} (${columns}) values (${places})`;
  await owner.query(text, Object.values(row));
}
