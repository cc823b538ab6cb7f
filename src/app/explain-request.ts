// What `Backwright-Explain: true` answers in development, in sentences.
import { StartError } from "../base/errors.ts";
import type { Model } from "../model/model.ts";
import type { Explain, ExplainQuestion } from "../rest/explained.ts";
import type { ProjectDatabase } from "./databases.ts";
import { type Condition, explainGrant, explainRecord } from "./explain-access.ts";

/** Looks as the owner, past every wall: for development alone. */
export function requestExplainer(model: Model, database: ProjectDatabase): Explain {
  return async (question) => {
    try {
      const parts = [grantSentence(question)];
      if (question.id !== undefined) {
        parts.push(await recordSentence(model, database, question, question.id));
      }
      return parts.join(" ");
    } catch (error) {
      if (error instanceof StartError) return error.message;
      return "This request cannot be explained.";
    }
  };
}

function grantSentence({ actor, resource, operation }: ExplainQuestion): string {
  const { role } = actor;
  const name = `${resource.ownName}.${operation}`;
  const grant = explainGrant({ role, resource, operation });
  if (!grant.isGranted) return `${role} is not granted ${name}.`;
  const { rows = "all rows" } = grant;
  const without = resource.served
    .map((field) => field.name)
    .filter((field) => grant.fields?.includes(field) === false);
  const fields = without.length === 0 ? "all fields" : `all fields but ${without.join(", ")}`;
  const set = Object.entries(grant.set ?? {}).map(([field, value]) => `; ${field} set to ${value}`);
  return `${role} is granted ${name} (${rows}; ${fields}${set.join("")}).`;
}

async function recordSentence(
  model: Model,
  database: ProjectDatabase,
  { actor, resource, operation }: ExplainQuestion,
  id: string,
): Promise<string> {
  const { role, id: subject, tenantId: tenant } = actor;
  const question = { role, resource, operation, id, subject, tenant };
  const found = await explainRecord(model, database, question);
  if (found.obstacle !== undefined) return `Record ${id}: ${found.obstacle}`;
  const seen = found.isVisible ? "is visible to" : "is not visible to";
  const conditions = found.conditions.map(conditionText).join("; ");
  return `Record ${id} ${seen} ${role}${conditions === "" ? "" : `: ${conditions}`}.`;
}

function conditionText({ text, holds }: Condition): string {
  const outcome = holds === null ? "is unknown (a null)" : holds ? "holds" : "does not hold";
  return `"${text}" ${outcome}`;
}
