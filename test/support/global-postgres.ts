// vitest globalSetup: one embedded PostgreSQL server for the whole run, in a directory of its own.
// BACKWRIGHT_TEST_ADMIN_URL names another server (a superuser's address) to use instead.

import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { discardEmbedded, startEmbedded } from "../../src/database/embedded.ts";

const PREFIX = "backwright-test-";
const ABANDONED_MS = 3_600_000;

declare module "vitest" {
  export interface ProvidedContext {
    postgresAdminUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | void> {
  const external = process.env.BACKWRIGHT_TEST_ADMIN_URL;
  if (external !== undefined && external !== "") {
    project.provide("postgresAdminUrl", external);
    return;
  }
  await removeAbandoned();
  const directory = await mkdtemp(join(tmpdir(), PREFIX));
  const server = await startEmbedded({ directory });
  await forgetDurability(server.adminUrl);
  project.provide("postgresAdminUrl", server.adminUrl);
  return async () => {
    await server.stop();
    await discardEmbedded(directory);
    await rm(directory, { recursive: true, force: true });
  };
}

// Nobody needs this server's data after a power cut, and dropping a database waits for the disk.
// What a killed process loses does not depend on it, so crash tests keep their meaning.
async function forgetDurability(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  await client.query("alter system set fsync = off");
  await client.query("alter system set full_page_writes = off");
  await client.query("select pg_reload_conf()");
  await client.end();
}

/** A run that was killed leaves its server running; a directory in use refuses to be discarded. */
async function removeAbandoned(): Promise<void> {
  for (const entry of await readdir(tmpdir())) {
    const directory = join(tmpdir(), entry);
    if (!entry.startsWith(PREFIX)) continue;
    try {
      if (Date.now() - (await stat(directory)).mtimeMs < ABANDONED_MS) continue;
      await discardEmbedded(directory);
      await rm(directory, { recursive: true, force: true });
    } catch {
      // In use, or another user's.
    }
  }
}
