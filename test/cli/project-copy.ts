// A copy of the example in a folder of its own, with the repository's packages beside it, as a user
// has them after an installation.
import { cp, mkdtemp, readFile, realpath, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { findPlaces } from "../../src/database/embedded-places.ts";
import { postmasterPid, removeProject } from "../database/embedded-process.ts";
import { EXAMPLE } from "../support/backend.ts";

export interface DevelopmentKey {
  readonly tenant: string;
  readonly role: string;
  readonly name: string;
  readonly key: string;
}

export interface ProjectCopy {
  readonly directory: string;
  /** `.backwright`, where everything local is kept. */
  readonly state: string;
  /** Of the embedded server. */
  dataDirectory(): Promise<string>;
  /** The embedded server's process, while it runs. */
  postmaster(): Promise<number | undefined>;
  keys(): Promise<readonly DevelopmentKey[]>;
  /** The permission bits of a file in `state`. */
  mode(file: string): Promise<number>;
  remove(): Promise<void>;
}

const NOT_COPIED = [".backwright", "node_modules"];

export async function copyExample(): Promise<ProjectCopy> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), "backwright-project-")));
  const state = join(directory, ".backwright");
  await cp(EXAMPLE, directory, {
    recursive: true,
    filter: (path) => !NOT_COPIED.includes(basename(path)),
  });
  const packages = join(import.meta.dirname, "../../node_modules");
  await symlink(packages, join(directory, "node_modules"));
  const dataDirectory = async (): Promise<string> => (await findPlaces(state)).data;
  return {
    directory,
    state,
    dataDirectory,
    postmaster: async () => postmasterPid(await dataDirectory()),
    async keys() {
      const text = await readFile(join(state, "keys.json"), "utf8");
      return (JSON.parse(text) as { keys: readonly DevelopmentKey[] }).keys;
    },
    mode: async (file) => (await stat(join(state, file))).mode & 0o777,
    async remove() {
      await removeProject(state);
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
