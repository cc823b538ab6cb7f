// The one decision: may this actor do this to this resource, and to which rows and fields?
// Every face and every operation asks here; a missing rule means no.
import { createHash } from "node:crypto";
import { BackwrightError } from "../base/errors.ts";
import type { ActionModel, ReadGrant, ResourceModel, RoleAccess, Verb } from "../model/model.ts";
import type { Actor } from "./actor.ts";

type Grant<V extends Verb> = NonNullable<RoleAccess[V]>;

/** The actor's grant, or undefined: for places that show less instead of refusing. */
export function grantOf<V extends Verb>(
  actor: Pick<Actor, "role">,
  resource: ResourceModel,
  verb: V,
): Grant<V> | undefined {
  return resource.access.get(actor.role)?.[verb] as Grant<V> | undefined;
}

/** The actor's grant. Throws FORBIDDEN where the role has none for this verb. */
export function decide<V extends Verb>(
  actor: Pick<Actor, "role">,
  resource: ResourceModel,
  verb: V,
): Grant<V> {
  const grant = grantOf(actor, resource, verb);
  if (grant !== undefined) return grant;
  throw new BackwrightError("FORBIDDEN", {
    message: `The role ${actor.role} may not ${verb} ${resource.path}.`,
  });
}

/** The action that the actor may run. Throws FORBIDDEN where the role is not granted it. */
export function decideAction(
  actor: Pick<Actor, "role">,
  resource: ResourceModel,
  name: string,
): ActionModel {
  const action = grantOf(actor, resource, "actions")?.get(name);
  if (action !== undefined) return action;
  throw new BackwrightError("FORBIDDEN", {
    message: `The role ${actor.role} may not run ${name} on ${resource.path}.`,
  });
}

const fingerprints = new WeakMap<ReadGrant, string>();

/** A short name for a set of readable fields: equal names, equal masks. */
export function maskFingerprint(grant: ReadGrant | undefined): string {
  if (grant === undefined) return "none";
  const known = fingerprints.get(grant);
  if (known !== undefined) return known;
  const names = grant.fields.map((field) => field.name).join();
  const made = createHash("sha256").update(names).digest("base64url").slice(0, 8);
  fingerprints.set(grant, made);
  return made;
}
