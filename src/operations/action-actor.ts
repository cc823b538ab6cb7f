// The caller as the code of an action sees it: claims as JavaScript values.
import type { Actor } from "../access/actor.ts";
import { decodeArray } from "../model/fields.ts";
import type { Model } from "../model/model.ts";
import type { Value } from "../sql/statement.ts";

/** Declared claims by name, with `id`, `tenantId` and `role`. A claim that is absent is null. */
export function actionActor(actor: Actor, model: Model): Readonly<Record<string, unknown>> {
  const claims = [...model.claims.values()].map(({ name, sql }) => [
    name,
    claimValue(sql, actor.claims[name] ?? null),
  ]);
  const { id, tenantId, role } = actor;
  return Object.freeze({ ...Object.fromEntries(claims), id, tenantId, role });
}

function claimValue(sql: string, text: Value): unknown {
  if (sql.endsWith("[]")) return Object.freeze(text === null ? [] : decodeArray(text));
  if (text === null) return null;
  if (sql === "boolean") return text === "true" || text === "t";
  return sql === "integer" ? Number(text) : text;
}
