// Who reads and writes when a command calls operations: the holder of an API key.
import type { Actor } from "../access/actor.ts";
import { readDevelopmentKeys } from "../app/keys-file.ts";
import type { Project } from "../app/project.ts";
import type { RunningBackend } from "../app/serve.ts";
import { StartError } from "../base/errors.ts";
import { given } from "../base/settings.ts";
import { publicError } from "../operations/failures.ts";

export interface WhoOptions {
  readonly key?: string;
  /** Of a development key. */
  readonly tenant?: string;
  readonly role?: string;
}

/** `--key`, BACKWRIGHT_KEY or a development key. Throws StartError. */
export async function keyOf(project: Project, options: WhoOptions): Promise<string> {
  return (
    options.key ?? given(process.env, "BACKWRIGHT_KEY") ?? (await developmentKey(project, options))
  );
}

/** A key of the demo data, by tenant and role. Throws StartError listing what there is. */
async function developmentKey(project: Project, { tenant, role }: WhoOptions): Promise<string> {
  const keys = await readDevelopmentKeys(project);
  const wanted = keys.filter(
    (one) =>
      (tenant === undefined || one.tenant === tenant) && (role === undefined || one.role === role),
  );
  const [found] = wanted;
  // Of several people of one role any will do; which tenant and role must be said.
  const isOne = wanted.every((one) => one.tenant === found?.tenant && one.role === found.role);
  if (found !== undefined && isOne) return found.key;
  if (keys.length === 0) {
    throw new StartError("Say whose key to use: there are no development keys here.", {
      fix:
        "npx backwright dev writes the demo data and its keys; or --key bw_…, or BACKWRIGHT_KEY. " +
        "`npx backwright keys create --help` says how to make one.",
    });
  }
  const known = keys.map((one) => `--tenant "${one.tenant}" --role ${one.role}`);
  const what =
    found === undefined
      ? "There is no development key of that tenant and role."
      : "Several development keys would do: say which by tenant and role.";
  throw new StartError(what, { fix: `One of: ${[...new Set(known)].join(", ")}` });
}

/** Asks again each time, so that a key that is taken back ends the work. */
export function actorOf(
  { authenticator, context }: RunningBackend,
  key: string,
): () => Promise<Actor> {
  return async () => {
    try {
      return await authenticator.authenticate(`Bearer ${key}`);
    } catch (cause) {
      const refused = publicError(cause, context.constraints);
      if (refused.status !== 401) throw refused;
      throw new StartError("The key is not valid, or not any more.", {
        fix: "Use a living one; `npx backwright keys list` shows how they begin.",
        cause,
      });
    }
  };
}
