// What a record of a 311 file means in the words of the example: pure, from cells to a work order
// without ids. Says why a record cannot be taken.
import { createHash } from "node:crypto";
import type { Api } from "../backend.ts";
import { toInstant } from "./new-york-time.ts";
import type { Cells } from "./read-file.ts";

export type Status = Api["workOrders"]["fields"]["status"];

export interface ServiceRequest {
  readonly key: string;
  /** Names in the spelling of this record; undefined where it has none. */
  readonly agency: string | undefined;
  readonly complaintType: string | undefined;
  readonly site: { readonly name: string; readonly address: string | null };
  readonly order: {
    readonly externalId: string;
    readonly title: string;
    readonly description: string | null;
    readonly status: Status;
    readonly reportedAt: string;
    readonly closedAt: string | null;
    readonly dueAt: string | null;
  };
}

const STATUS: ReadonlyMap<string, Status> = new Map([
  ["closed", "done"],
  ["open", "open"],
  ["assigned", "assigned"],
  ["started", "in_progress"],
  ["pending", "on_hold"],
]);

// What people type when there is nothing to say.
const NOTHING = new Set(["", "n/a", "unspecified"]);

const ADDRESS_CHARACTERS_MAX = 200;

/** Columns that the description tells, in its order. */
const DETAILS = [
  ["Unit", "Agency Name"],
  ["Location type", "Location Type"],
  ["Cross street", "Cross Street 1"],
  ["Cross street", "Cross Street 2"],
  ["Landmark", "Landmark"],
  ["Facility", "Facility Type"],
  ["Community board", "Community Board"],
  ["Park", "Park Facility Name"],
  ["School", "School Name"],
  ["Vehicle", "Vehicle Type"],
  ["Taxi company", "Taxi Company Borough"],
  ["Taxi pick-up", "Taxi Pick Up Location"],
  ["Bridge or highway", "Bridge Highway Name"],
  ["Direction", "Bridge Highway Direction"],
  ["Road or ramp", "Road Ramp"],
  ["Segment", "Bridge Highway Segment"],
  ["Garage", "Garage Lot Name"],
  ["Ferry direction", "Ferry Direction"],
  ["Ferry terminal", "Ferry Terminal Name"],
  ["Coordinates", "Location"],
] as const;

/** The text of a cell without spare spaces; undefined for what means nothing. */
function known(cells: Cells, column: string): string | undefined {
  const text = (cells[column] ?? "").trim().replace(/\s+/g, " ");
  return NOTHING.has(text.toLowerCase()) ? undefined : text;
}

/** Names that differ in case and spaces only are one name. */
export function folded(name: string): string {
  return name.trim().replace(/\s+/g, " ").toLowerCase();
}

/** The same text for the same value: names idempotency keys, so that a repeat is recognised. */
export function fingerprint(value: object): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64url").slice(0, 22);
}

/** The request that a record describes, or every reason why it describes none. */
export function readServiceRequest(cells: Cells): ServiceRequest | readonly string[] {
  const problems: string[] = [];
  const key = (cells["Unique Key"] ?? "").trim();
  if (!/^\d{1,20}$/.test(key)) problems.push(`its Unique Key ${quoted(key)} is not a number`);
  const status = STATUS.get(folded(cells.Status ?? ""));
  if (status === undefined) problems.push(`its Status ${quoted(cells.Status)} is unknown`);
  const reportedAt = readTime(cells, "Created Date", problems);
  if (known(cells, "Created Date") === undefined) problems.push("it has no Created Date");
  const closedAt = readTime(cells, "Closed Date", problems);
  const dueAt = readTime(cells, "Due Date", problems);
  const title = titleOf(cells);
  if (title === undefined) problems.push("it has neither Complaint Type nor Descriptor");
  const site = siteOf(cells);
  if (site.name.length > ADDRESS_CHARACTERS_MAX) problems.push("its address is too long");
  if (Object.values(cells).some((cell) => cell.includes("\0"))) problems.push("it holds a NUL");
  if (problems.length > 0 || status === undefined || reportedAt === null || title === undefined) {
    return problems;
  }
  const description = descriptionOf(cells);
  return {
    key,
    agency: known(cells, "Agency"),
    complaintType: known(cells, "Complaint Type"),
    site,
    order: { externalId: key, title, description, status, reportedAt, closedAt, dueAt },
  };
}

function readTime(cells: Cells, column: string, problems: string[]): string | null {
  const written = known(cells, column);
  if (written === undefined) return null;
  const instant = toInstant(written);
  if (instant === undefined) problems.push(`its ${column} ${quoted(written)} is no time`);
  return instant ?? null;
}

function titleOf(cells: Cells): string | undefined {
  const type = known(cells, "Complaint Type");
  const descriptor = known(cells, "Descriptor");
  if (type === undefined || descriptor === undefined) return type ?? descriptor;
  return folded(type) === folded(descriptor) ? type : `${type}: ${descriptor}`;
}

function descriptionOf(cells: Cells): string | null {
  const said = new Set<string>();
  const lines: string[] = [];
  for (const [label, column] of DETAILS) {
    const text = known(cells, column);
    if (text === undefined || said.has(text)) continue;
    said.add(text);
    lines.push(`${label}: ${text}`);
  }
  return lines.length === 0 ? null : lines.join("\n");
}

// In capitals, as 311 writes most of them, so that the name depends on this record alone: another
// file gives the same site. With the borough, because streets of two boroughs share names.
function siteOf(cells: Cells): ServiceRequest["site"] {
  const upper = (column: string) => known(cells, column)?.toUpperCase();
  const corner = [upper("Intersection Street 1"), upper("Intersection Street 2")];
  const streets = corner.filter((street) => street !== undefined).sort();
  const address =
    upper("Incident Address") ?? (streets.length > 0 ? streets.join(" & ") : undefined);
  const borough = upper("Borough");
  const name = address ?? "Unknown address";
  const place = [upper("City") ?? borough, upper("Incident Zip")].filter(Boolean).join(" ");
  const postal = [address, place].filter(Boolean).join(", ");
  return {
    name: borough === undefined ? name : `${name} (${borough})`,
    address: address === undefined ? null : postal,
  };
}

function quoted(text = ""): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
