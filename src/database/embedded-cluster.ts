// The data directory: creates it once, refuses what another major version made, and writes the
// settings that a start gives it. Never deletes a data directory.

import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { StartError } from "../base/errors.ts";
import { type Binaries, runProgram } from "./embedded-binaries.ts";
import { errorCode } from "./embedded-holder.ts";
import { type Account, giveTo, type Places } from "./embedded-places.ts";

export const SUPERUSER = "postgres";
// Inside the data directory, so that the one rename that creates the cluster brings both.
const PASSWORD_FILE = "backwright-password";
const SETTINGS_FILE = "backwright.conf";

// The file is included at the end of postgresql.conf, so what a user appends there later wins.
// log_min_messages: `log` leaves out the errors of statements, which would put row data into it.
const SETTINGS = `# Written by Backwright at every start. Your own settings belong at the end of
# postgresql.conf, or use ALTER SYSTEM.
max_connections = 100
shared_buffers = '128MB'
max_wal_size = '512MB'
fsync = on
synchronous_commit = on
full_page_writes = on
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_min_messages = log
log_checkpoints = off
lc_messages = 'C'
`;

/**
 * Makes sure that there is a cluster of this major version in `places.data`; reports progress when
 * it must be created (about half a second). Throws StartError for another major version, for a
 * folder that is no data directory, and when initdb fails. Call it under the server's lock.
 */
export async function prepareCluster(
  places: Places,
  binaries: Binaries,
  onProgress: (message: string) => void,
): Promise<void> {
  await removeUnfinished(places.data);
  const found = await clusterMajor(places.data);
  if (found === binaries.major) return;
  if (found !== undefined) throw otherMajor(places.data, found, binaries.major);
  onProgress(`Creating the PostgreSQL ${binaries.major} database in ${places.data}`);
  await createCluster(places, binaries);
}

async function clusterMajor(data: string): Promise<string | undefined> {
  try {
    return (await readFile(join(data, "PG_VERSION"), "utf8")).trim();
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
  const entries = await readdir(data).catch(() => []);
  if (entries.length === 0) return undefined;
  throw new StartError(`${data} holds files, but it is not a PostgreSQL data directory.`, {
    fix: `Look at what lies there, then move it away: mv '${data}' '${data}-before'`,
  });
}

function otherMajor(data: string, found: string, wanted: string): StartError {
  return new StartError(
    `The database in ${data} was made by PostgreSQL ${found}; this version of Backwright runs ` +
      `PostgreSQL ${wanted}, which cannot read it. Nothing was changed.`,
    {
      fix: [
        `To keep the data: with the Backwright version that you used before (PostgreSQL ${found}),`,
        `  start the app, run pg_dumpall > dump.sql against it, stop it;`,
        `  mv '${data}' '${data}-${found}'`,
        `  start with this version and load dump.sql with psql.`,
        `To discard the data: mv '${data}' '${data}-${found}' (or delete it) and start again.`,
      ].join("\n"),
    },
  );
}

/** An initdb that was killed leaves its folder under another name; so does one still dying. */
async function removeUnfinished(data: string): Promise<void> {
  const prefix = `${basename(data)}-init-`;
  for (const entry of await readdir(dirname(data))) {
    if (!entry.startsWith(prefix)) continue;
    await rm(join(dirname(data), entry), { recursive: true, force: true }).catch(() => undefined);
  }
}

async function createCluster(places: Places, binaries: Binaries): Promise<void> {
  const prepared = `${places.data}-init-${randomBytes(4).toString("hex")}`;
  const passwordFile = `${prepared}-password`;
  const password = randomBytes(24).toString("base64url");
  await mkdir(prepared, { mode: 0o700 });
  await giveTo(prepared, places.account);
  await writePrivate(passwordFile, password, places.account);
  try {
    await runInitdb(places, binaries, prepared, passwordFile);
    await writePrivate(join(prepared, PASSWORD_FILE), password, places.account);
    await append(join(prepared, "postgresql.conf"), `\ninclude_if_exists = '${SETTINGS_FILE}'\n`);
    await rename(prepared, places.data);
    await syncFolder(dirname(places.data));
  } finally {
    await rm(passwordFile, { force: true });
    await rm(prepared, { recursive: true, force: true });
  }
}

async function runInitdb(
  places: Places,
  binaries: Binaries,
  data: string,
  passwordFile: string,
): Promise<void> {
  const fixed = [
    `--pgdata=${data}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
  ];
  // The builtin provider sorts and folds; LC_CTYPE still decides what a letter is for pg_trgm and
  // full-text search. Not every system has C.UTF-8, and with C only ASCII letters count there.
  let output = "";
  for (const type of ["C.UTF-8", "C"]) {
    const run = await runProgram(binaries, places, "initdb", [...fixed, `--lc-ctype=${type}`]);
    if (run.code === 0) return;
    output = run.output;
    if (!/error:.*locale/.test(output)) break;
  }
  const lines = output.trimEnd().split("\n").slice(-15).join("\n");
  throw new StartError(`PostgreSQL could not create its database in ${places.data}:\n${lines}`, {
    fix: "Free disk space or correct what the lines above name, then start again.",
  });
}

/** The superuser's password. Throws StartError when its file was taken out of the directory. */
export async function readPassword(data: string): Promise<string> {
  const path = join(data, PASSWORD_FILE);
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    throw new StartError(`The embedded database's password cannot be read: ${path}.`, {
      fix: `Put the file back, or discard the data: mv '${data}' '${data}-before'`,
      cause: error,
    });
  }
}

/** Writes the settings that the next start of the server reads. */
export async function writeSettings(places: Places, preload: boolean): Promise<void> {
  const path = join(places.data, SETTINGS_FILE);
  const libraries = preload ? "shared_preload_libraries = 'pg_stat_statements'\n" : "";
  await writePrivate(`${path}.new`, SETTINGS + libraries, places.account);
  await rename(`${path}.new`, path);
}

// As root these functions write where the server's account may write too. They create files anew
// and follow no link, so that a link planted there cannot turn into a write elsewhere.
async function writePrivate(path: string, text: string, account: Account | undefined) {
  await rm(path, { force: true });
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.chmod(0o600);
    if (account !== undefined) await file.chown(account.uid, account.gid);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function append(path: string, text: string): Promise<void> {
  const { O_APPEND, O_WRONLY, O_NOFOLLOW = 0 } = constants;
  const file = await open(path, O_APPEND | O_WRONLY | O_NOFOLLOW);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Without it a power cut could undo the rename, while what was written afterwards is safe. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
