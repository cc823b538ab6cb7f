// A PostgreSQL server of a test's own, to be stopped, killed and started again, with the example's
// schema in it.
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loadProject } from "../../src/app/project.ts";
import {
  discardEmbedded,
  type EmbeddedServer,
  startEmbedded,
} from "../../src/database/embedded.ts";
import { findPostmaster } from "../../src/database/embedded-postmaster.ts";
import { roleNames, setupDatabase } from "../../src/database/roles.ts";
import { migrateUp } from "../../src/migrate/runner.ts";
import { wallsOf } from "../../src/migrate/source.ts";
import { SYSTEM_MIGRATIONS } from "../../src/migrate/system.ts";
import { findersOf } from "../../src/sql/finder.ts";
import { EXAMPLE } from "../support/backend.ts";

const DATABASE = "outage";
const SIGNALS = { fast: "SIGINT", immediate: "SIGQUIT", kill: "SIGKILL" } as const;

export interface OwnServer {
  /** The superuser's, in the example's database. */
  readonly adminUrl: string;
  readonly ownerUrl: string;
  readonly appUrl: string;
  /**
   * Ends the postmaster: `fast` and `immediate` as pg_ctl has them, `kill` by kill -9, after which
   * its server processes notice by themselves.
   */
  stop(how: keyof typeof SIGNALS): Promise<void>;
  /** Starts it again at the same address; resolves when it lets us in. */
  start(): Promise<void>;
  close(): Promise<void>;
}

export async function startOwnServer(): Promise<OwnServer> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), "backwright-outage-")));
  const uses: EmbeddedServer[] = [await startEmbedded({ directory })];
  const [{ adminUrl, dataDirectory, url }] = uses as [EmbeddedServer];
  const passwords = { owner: "owner-of-a-test", app: "app-of-a-test" };
  await setupDatabase({ adminUrl, database: DATABASE, passwords });
  const { owner, app } = roleNames(DATABASE);
  const ownerUrl = url(owner, passwords.owner, DATABASE);
  const project = await loadProject(EXAMPLE);
  await migrateUp({
    ownerUrl,
    appRole: app,
    directory: project.migrations,
    system: SYSTEM_MIGRATIONS,
    walls: wallsOf(project.model),
    finders: findersOf(project.model),
  });
  const pid = async (): Promise<number | undefined> => (await findPostmaster(dataDirectory))?.pid;
  return {
    adminUrl: adminUrl.replace("/postgres?", `/${DATABASE}?`),
    ownerUrl,
    appUrl: url(app, passwords.app, DATABASE),
    async stop(how) {
      const running = await pid();
      if (running === undefined) throw new Error("no postmaster runs");
      process.kill(running, SIGNALS[how]);
      while ((await pid()) === running) await sleep(2);
    },
    async start() {
      uses.push(await startEmbedded({ directory }));
    },
    async close() {
      for (const use of uses) await use.stop();
      await discardEmbedded(directory);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
