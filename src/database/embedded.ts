// The embedded PostgreSQL server: one per project directory, used by any number of processes of
// this machine. Gives addresses out; roles and databases inside it belong to roles.ts.
//
// Every user holds a lease. Starting and stopping happen under one lock: the first one starts the
// server, the last one that stops ends it, and whatever a killed process leaves is taken over.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { StartError } from "../base/errors.ts";
import { type Binaries, provideBinaries } from "./embedded-binaries.ts";
import { prepareCluster, readPassword, SUPERUSER } from "./embedded-cluster.ts";
import { countLeases, takeLease, withLock } from "./embedded-holder.ts";
import { findPlaces, type Places } from "./embedded-places.ts";
import { ensurePostmaster, type Postmaster, stopPostmaster } from "./embedded-postmaster.ts";
import { addressWith } from "./embedded-url.ts";
import { openSession } from "./session.ts";

export interface EmbeddedOptions {
  /** The project's `.backwright` folder; created when absent. */
  readonly directory: string;
  /** Told about steps that take longer than a blink, in sentences for people. */
  readonly onProgress?: (message: string) => void;
}

export interface EmbeddedServer {
  /** The superuser's address: for setting up roles and databases only, never to serve with. */
  readonly adminUrl: string;
  readonly port: number;
  /** Undefined where the server is reached by TCP only (Windows, or no safe directory). */
  readonly socketDirectory: string | undefined;
  readonly dataDirectory: string;
  /** False when the server was already running. */
  readonly startedHere: boolean;
  /** Through the unix socket where there is one. Throws StartError for a name no URL can carry. */
  url(user: string, password: string, database: string): string;
  /**
   * Gives up this use; the last living user's stop ends the server (open connections are cut).
   * Safe to call again, and to be killed in: the next start finds a server or none.
   */
  stop(): Promise<void>;
}

/**
 * Starts the project's PostgreSQL server, or attaches to it when it runs. The first start creates
 * the database cluster; the data then outlives every crash of this process or of the server.
 * As root the server runs as `postgres` or `nobody`, with its files under /var/lib/backwright.
 * Throws StartError: no binaries for this platform, data of another major version, no start.
 * Limit: all processes that use one directory must see each other's pids (one host or container).
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const onProgress = options.onProgress ?? (() => undefined);
  const places = await findPlaces(options.directory);
  if (places.account !== undefined) await tellRootFromUser(options.directory, places, onProgress);
  const binaries = await provideBinaries(places, onProgress);
  return await withLock(places.lock, onProgress, async () => {
    const lease = await takeLease(places.leases);
    try {
      await prepareCluster(places, binaries, onProgress);
      const password = await readPassword(places.data);
      const { postmaster, startedHere } = await ensurePostmaster(places, binaries, onProgress);
      const address = serverAddress(postmaster);
      const url = (user: string, secret: string, database: string) =>
        addressWith(address, { user, password: secret, database });
      const adminUrl = url(SUPERUSER, password, "postgres");
      await requireLogin(adminUrl, places);
      return {
        adminUrl,
        port: postmaster.port,
        socketDirectory: postmaster.socketDirectory,
        dataDirectory: places.data,
        startedHere,
        url,
        stop: stopOnce(places, binaries, lease, onProgress),
      };
    } catch (error) {
      await rm(lease, { force: true });
      throw error;
    }
  });
}

async function tellRootFromUser(
  directory: string,
  places: Places,
  onProgress: (message: string) => void,
): Promise<void> {
  const entries = await readdir(join(directory, "postgres")).catch(() => []);
  if (entries.length === 0) return;
  onProgress(
    `Running as root: using the database in ${places.data}, not the one that an ordinary ` +
      `user made in ${join(directory, "postgres")}`,
  );
}

// The password could have been changed by hand, and that would show later as puzzling failures.
async function requireLogin(adminUrl: string, places: Places): Promise<void> {
  try {
    await (await openSession(adminUrl)).close();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`The embedded PostgreSQL runs, but lets nobody in. ${reason}`, {
      fix: `See ${places.log}. The superuser's password is kept in ${places.data}.`,
      cause: error,
    });
  }
}

function stopOnce(
  places: Places,
  binaries: Binaries,
  lease: string,
  onProgress: (message: string) => void,
): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  return () => {
    stopping ??= withLock(places.lock, onProgress, async () => {
      await rm(lease, { force: true });
      if ((await countLeases(places.leases)) === 0) await stopPostmaster(places, binaries);
    }).catch((error: unknown) => {
      stopping = undefined;
      throw error;
    });
    return stopping;
  };
}

/**
 * Deletes the server's data and everything kept about it, for good; stops an orphaned server first.
 * The binaries stay. Throws StartError while a living process uses the server.
 */
export async function discardEmbedded(directory: string): Promise<void> {
  const quiet = () => undefined;
  const places = await findPlaces(directory);
  const binaries = await provideBinaries(places, quiet);
  await withLock(places.lock, quiet, async () => {
    if ((await countLeases(places.leases)) > 0) {
      throw new StartError(`The embedded database in ${places.data} is in use.`, {
        fix: "Stop the processes that use it, then try again.",
      });
    }
    await stopPostmaster(places, binaries);
    for (const entry of await readdir(places.home)) {
      if (!/^(postgres(-run|-init-.*)?|project\.txt)$/.test(entry)) continue;
      await rm(join(places.home, entry), { recursive: true, force: true });
    }
    if (places.socketDirectory !== undefined) {
      await rm(places.socketDirectory, { recursive: true, force: true });
    }
  });
  if (places.account !== undefined) await rm(places.home, { recursive: true, force: true });
}

// The socket stands in the query, where pg and libpq both let it win over the host, so that
// programs which parse the address with URL can read it too (they refuse a login without a host).
// sslmode is said because PGSSLMODE of the environment would otherwise ask this server for TLS.
function serverAddress({ port, socketDirectory }: Postmaster): string {
  // Not URLSearchParams, which writes a space as "+": libpq does not read it back.
  const socket =
    socketDirectory === undefined ? "" : `&host=${encodeURIComponent(socketDirectory)}`;
  return `postgres://127.0.0.1:${port}/?sslmode=disable${socket}`;
}
