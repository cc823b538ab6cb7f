// Imports into the parts of test/fixtures/parts, without a process of their own.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Executor } from "../../src/database/transaction.ts";
import { type Format, readRecords } from "../../src/transfer/read-records.ts";
import { compileMapping } from "../../src/transfer/row-plan.ts";
import { type Rejected, runImport } from "../../src/transfer/run-import.ts";
import { type PartRole, PartsWorld } from "../fixtures/parts-world.ts";

export interface How {
  readonly database: Executor;
  readonly isDryRun: boolean;
  readonly role: PartRole;
}

export class PartsImport {
  readonly world: PartsWorld;
  readonly folder = mkdtempSync(join(tmpdir(), "backwright-parts-"));
  #files = 0;

  private constructor(world: PartsWorld) {
    this.world = world;
  }

  /** `name` begins the database's name. */
  static async start(name: string): Promise<PartsImport> {
    return new PartsImport(await PartsWorld.start(name));
  }

  /** `records` is a list, or the text of a file. */
  async run(
    mapping: object,
    records: string | Buffer | readonly object[],
    format: Format = "ndjson",
    { database = this.world.backend.context.database, isDryRun, role = "lead" }: Partial<How> = {},
  ) {
    this.#files += 1;
    const path = join(this.folder, `${this.#files}.${format}`);
    const isWhole = typeof records === "string" || Buffer.isBuffer(records);
    writeFileSync(path, isWhole ? records : records.map((one) => JSON.stringify(one)).join("\n"));
    const { backend, people } = this.world;
    const context = { ...backend.context, database };
    const plan = compileMapping(mapping, context.model, "parts", format);
    const rejected: Rejected[] = [];
    const counts = await runImport({
      context,
      plan,
      records: readRecords(path, format, plan.file),
      actor: () => backend.authenticator.authenticate(`Bearer ${people[role].key}`),
      isDryRun: isDryRun === true,
      stop: new AbortController().signal,
      onRejected: async (some) => {
        rejected.push(...some);
      },
      onProgress: () => {},
    });
    return {
      counts,
      related: Object.fromEntries(counts.related),
      reasons: rejected.map(({ line, problems }) => ({ line, ...problems[0] })),
    };
  }

  async stored(serial: string): Promise<Record<string, unknown> | undefined> {
    const text = `select id, name, version, quantity, amount::text, price::text, data::text,
        owner_id as "ownerId", due_at as "dueAt", tags
      from parts where serial = $1`;
    const [row] = await this.world.backend.owner.query<Record<string, unknown>>(text, [serial]);
    return row;
  }

  /** Of the sites whose names begin so, in order. */
  async sites(start: string): Promise<readonly string[]> {
    const text = "select name from sites where name like $1 order by name";
    const rows = await this.world.backend.owner.query<{ name: string }>(text, [`${start}%`]);
    return rows.map(({ name }) => name);
  }

  async close(): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true });
    await this.world.backend.close();
  }
}
