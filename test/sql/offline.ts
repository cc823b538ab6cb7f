// Operations of the example without a server: enough of a context to see what they would send.
import type { Actor } from "../../src/access/actor.ts";
import { loadProject } from "../../src/app/project.ts";
import { Database } from "../../src/database/database.ts";
import type { ResourceModel } from "../../src/model/model.ts";
import type { OperationsContext } from "../../src/operations/context.ts";
import { CursorSigner } from "../../src/operations/cursor.ts";
import { Shapes } from "../../src/operations/shapes.ts";
import { VersionTokens } from "../../src/operations/version-tokens.ts";
import { EXAMPLE } from "../support/backend.ts";

const ID = "01890a5d-ac96-774b-bcce-b302099a8057";

/** A context whose database has no connection: statements can only be captured. */
export async function offlineContext(shapes = new Shapes()): Promise<OperationsContext> {
  const { model } = await loadProject(EXAMPLE);
  return {
    model,
    database: Object.create(Database.prototype) as Database,
    shapes,
    cursors: new CursorSigner("not a secret"),
    versions: new VersionTokens("not a secret"),
    constraints: new Map(),
  };
}

export function actorOf(role: string): Actor {
  const claims = { id: ID, tenantId: ID, credential: ID, teamIds: `{${ID}}` };
  return { tenantId: ID, role, id: ID, credential: ID, claims };
}

export function resourceOf({ model }: OperationsContext, name: string): ResourceModel {
  const resource = model.resources.get(name);
  if (resource === undefined) throw new Error(`no resource ${name}`);
  return resource;
}
