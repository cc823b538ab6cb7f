// Sends injections to a backend and judges them by what PostgreSQL itself says: the errors in its
// log, and the shapes of statements that it has seen (pg_stat_statements).
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { openSession, type Session } from "../../src/database/session.ts";
import { secondServer } from "../fixtures/twin-requests.ts";
import type { TestBackend } from "../support/backend.ts";
import { type Injection, injectionsOf } from "./injection-requests.ts";

const ANSWERS = /duplicate key value|a search names no word to find/;

export interface Verdict {
  readonly sent: number;
  readonly accepted: number;
  /** What was not as it must be, in a line each. */
  readonly faults: readonly string[];
}

export class InjectionJudge {
  readonly #admin: Session;
  readonly #stop: () => Promise<void>;
  readonly #url: string;
  readonly #key: string;
  readonly #model: TestBackend["project"]["model"];
  readonly #log: { readonly path: string; readonly from: number } | undefined;

  private constructor(
    admin: Session,
    server: Awaited<ReturnType<typeof secondServer>>,
    backend: TestBackend,
    key: string,
    log: { readonly path: string; readonly from: number } | undefined,
  ) {
    this.#admin = admin;
    this.#stop = () => server.stop();
    this.#url = server.url;
    this.#key = key;
    this.#model = backend.project.model;
    this.#log = log;
  }

  static async start(backend: TestBackend, key: string): Promise<InjectionJudge> {
    const { database, adminUrl } = backend.database;
    const admin = await openSession(adminUrl);
    await admin.query("create extension if not exists pg_stat_statements");
    await admin.query(`alter database "${database}" set log_min_messages = error`);
    await admin.query(`alter database "${database}" set log_min_error_statement = error`);
    const [row] = await admin.query<{ data_directory: string }>("show data_directory");
    const path = join(dirname(row?.data_directory ?? ""), "postgres-run", "server.log");
    const from = await sizeOf(path);
    // Its sessions begin after the settings above, so that they log their errors.
    const server = await secondServer(backend);
    return new InjectionJudge(
      admin,
      server,
      backend,
      key,
      from === undefined ? from : { path, from },
    );
  }

  /**
   * Places of the model with each of the texts. `oneIn`: each text goes to one place in so many,
   * another text to the places beside them. `every`: all operators.
   */
  async run(texts: readonly string[], { every = false, oneIn = 1 } = {}): Promise<Verdict> {
    const faults: string[] = [];
    let sent = 0;
    let accepted = 0;
    const one = async (injection: Injection, text: string): Promise<void> => {
      const { status, body } = await this.#send(injection);
      sent += 1;
      if (status < 300) accepted += 1;
      const what = `${injection.method} ${injection.path} ${injection.body ?? ""}`;
      if (status >= 500 || status === 0) faults.push(`${status} ${what} ${body.slice(0, 200)}`);
      if (status === 200 && injection.means !== undefined) {
        const rows = (JSON.parse(body) as { data: readonly Record<string, unknown>[] }).data;
        const wrong = rows.filter((found) => String(found[injection.means ?? ""]) !== text);
        if (wrong.length > 0) faults.push(`found ${wrong.length} other rows: ${what}`);
      }
    };
    for (const [turn, text] of texts.entries()) {
      const places = [...injectionsOf(this.#model, text, every)];
      const all = places.filter((_, at) => (at + turn) % oneIn === 0);
      for (let at = 0; at < all.length; at += 32) {
        await Promise.all(all.slice(at, at + 32).map((injection) => one(injection, text)));
      }
    }
    return { sent, accepted, faults };
  }

  /** The shapes of statements that the serving role has sent to this database. */
  async shapes(): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#admin.query<{ id: string; query: string }>(
      `select s.queryid::text as id, min(s.query) as query from pg_stat_statements s
       join pg_database d on d.oid = s.dbid join pg_roles r on r.oid = s.userid
       where d.datname = current_database() and r.rolname like '%\\_app' group by 1`,
    );
    return new Map(rows.map(({ id, query }) => [id, query]));
  }

  /** Errors of statements in the server's log, but for those that are answers to a caller. */
  async loggedErrors(): Promise<readonly string[]> {
    if (this.#log === undefined) return [];
    const file = await open(this.#log.path);
    try {
      const { size } = await file.stat();
      const bytes = Buffer.alloc(Math.max(0, size - this.#log.from));
      await file.read(bytes, 0, bytes.length, this.#log.from);
      const lines = bytes.toString().split("\n");
      return lines.filter((line) => /ERROR: /.test(line) && !ANSWERS.test(line));
    } finally {
      await file.close();
    }
  }

  async close(): Promise<void> {
    await this.#stop();
    await this.#admin.close();
  }

  async #send({
    method,
    path,
    body,
    headers,
  }: Injection): Promise<{ status: number; body: string }> {
    try {
      const reply = await fetch(`${this.#url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#key}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
      });
      return { status: reply.status, body: await reply.text() };
    } catch (error) {
      return { status: 0, body: String(error) };
    }
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const file = await open(path);
    const { size } = await file.stat();
    await file.close();
    return size;
  } catch {
    return undefined;
  }
}
