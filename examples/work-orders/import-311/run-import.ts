// The import itself: reads the file in stretches, asks what is there, creates the rest. What is
// there is never changed: since it came in, a work order belongs to the people who work on it.
import { type Api, forEachOf, Refused } from "./api.ts";
import { NamedRecords } from "./named-records.ts";
import { readRecords } from "./read-file.ts";
import { fingerprint, folded, readServiceRequest, type ServiceRequest } from "./service-request.ts";

export interface Outcome {
  created: number;
  /** There before, by the number of the request. */
  present: number;
  rejected: number;
  /** Unique keys of present work orders whose status, team or category is now another. */
  readonly changed: Set<string>;
  /** Unique keys of rejected records. */
  readonly rejectedKeys: Set<string>;
}

export interface Reporter {
  /** After every record; `bytes` says where in the file it ends. */
  advanced(outcome: Outcome, bytes: number): void;
  rejected(line: number, key: string, reason: string): void;
}

interface Row {
  readonly line: number;
  readonly bytes: number;
  readonly request: ServiceRequest;
}

interface Import {
  readonly api: Api;
  readonly stop: AbortSignal;
  readonly reporter: Reporter;
  readonly outcome: Outcome;
  readonly requesterId: string;
  readonly teams: NamedRecords;
  readonly categories: NamedRecords;
  readonly sites: NamedRecords;
}

// As the demo data has it; a database without gets it.
const REQUESTER = { name: "311 line", email: "311@example.org" };

// LIMIT: what is in memory at a time, and how many sites and work orders are asked for in one go.
const STRETCH_RECORDS = 500;

/** Sends a file. Throws ImportStopped, with `outcome` as far as it came; repeating goes on. */
export async function runImport(
  path: string,
  api: Api,
  outcome: Outcome,
  reporter: Reporter,
  stop: AbortSignal,
): Promise<void> {
  const teams = new NamedRecords(api, "teams", { keyOf: folded });
  const categories = new NamedRecords(api, "categories", { keyOf: folded });
  const users = new NamedRecords(api, "users", { field: "email" });
  await users.learn([REQUESTER.email]);
  const requesterId = await users.idOf(REQUESTER);
  await teams.learnAll();
  await categories.learnAll();
  const sites = new NamedRecords(api, "sites");
  const run = { api, stop, reporter, outcome, requesterId, teams, categories, sites };
  let stretch = new Map<string, Row>();
  for await (const { line, bytes, cells, problem } of readRecords(path)) {
    const request = problem === undefined ? readServiceRequest(cells) : [problem];
    if (!("key" in request)) {
      const key = (cells["Unique Key"] ?? "").trim();
      reject(run, { line, bytes, key }, request.join(", "));
      continue;
    }
    // A request that the file holds twice is met again in the next stretch, when it is there.
    if (stretch.size === STRETCH_RECORDS || stretch.has(request.key)) {
      await sendStretch(run, stretch);
      stretch = new Map();
    }
    stretch.set(request.key, { line, bytes, request });
  }
  await sendStretch(run, stretch);
}

async function sendStretch(run: Import, stretch: ReadonlyMap<string, Row>): Promise<void> {
  const { api, stop } = run;
  const missing = new Map(stretch);
  const keys = [...stretch.keys()];
  const fields = "externalId,status,teamId,categoryId";
  for (const record of await api.findAll("work-orders", "externalId", keys, fields)) {
    const found = stretch.get(String(record.externalId));
    if (found === undefined) continue;
    missing.delete(found.request.key);
    await notePresent(run, found, record);
  }
  const rows = [...missing.values()];
  await run.sites.learn(rows.map(({ request }) => request.site.name));
  // One after the other, so that of two spellings the one that stands first in the file is taken.
  for (const { request } of rows) await nameTeamAndCategory(run, request).catch(unlessRefused);
  await forEachOf(rows, stop, (row) => send(run, row));
}

async function notePresent(
  run: Import,
  { request, bytes }: Row,
  record: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { agency, complaintType, order } = request;
  const teamId = agency === undefined ? null : ((await run.teams.find(agency)) ?? "");
  const categoryId =
    complaintType === undefined ? null : ((await run.categories.find(complaintType)) ?? "");
  const same =
    record.status === order.status && record.teamId === teamId && record.categoryId === categoryId;
  if (!same) run.outcome.changed.add(request.key);
  run.outcome.present += 1;
  run.reporter.advanced(run.outcome, bytes);
}

async function nameTeamAndCategory(run: Import, { agency, complaintType }: ServiceRequest) {
  const teamId = agency === undefined ? undefined : await run.teams.idOf({ name: agency });
  const categoryId =
    complaintType === undefined ? undefined : await run.categories.idOf({ name: complaintType });
  return { teamId, categoryId };
}

/** A refused name is told with the row that needs it, which asks for it again. */
function unlessRefused(error: unknown): void {
  if (!(error instanceof Refused)) throw error;
}

async function send(run: Import, row: Row): Promise<void> {
  const { request } = row;
  const { api, outcome, requesterId } = run;
  try {
    const siteId = await run.sites.idOf(request.site);
    const body = {
      ...request.order,
      ...(await nameTeamAndCategory(run, request)),
      siteId,
      requesterId,
    };
    const key = `311-${request.key}-${fingerprint(body)}`;
    const { wasThere } = await api.create("work-orders", body, key);
    if (wasThere) outcome.present += 1;
    else outcome.created += 1;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    // RACE: another import was here since we asked; the number is unique.
    if (error.code === "CONFLICT") outcome.present += 1;
    else return reject(run, { ...row, key: request.key }, error.message);
  }
  run.reporter.advanced(outcome, row.bytes);
}

function reject(
  { outcome, reporter }: Import,
  row: { readonly line: number; readonly bytes: number; readonly key: string },
  reason: string,
): void {
  outcome.rejected += 1;
  outcome.rejectedKeys.add(row.key);
  reporter.rejected(row.line, row.key, reason);
  reporter.advanced(outcome, row.bytes);
}
