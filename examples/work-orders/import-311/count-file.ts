// Counts a 311 file for the check after an import. On purpose it shares nothing with the import:
// its own reading of CSV, of names and of states, so that one mistake is not made twice.
import { createReadStream } from "node:fs";

/** How often each name occurs, in lower case; "" where a request has none. */
export type Counts = ReadonlyMap<string, number>;

export interface FileCounts {
  readonly status: Counts;
  readonly agency: Counts;
  readonly "complaint type": Counts;
  /** The unique keys of what was counted. */
  readonly keys: ReadonlySet<string>;
}

const STATE_OF = {
  closed: "done",
  open: "open",
  assigned: "assigned",
  started: "in_progress",
  pending: "on_hold",
} as const;

/** Counts each request once, by its first record, leaving out the keys that are named. */
export async function countFile(
  path: string,
  leftOut: (key: string) => boolean,
): Promise<FileCounts> {
  const status = new Map<string, number>();
  const agency = new Map<string, number>();
  const complaintType = new Map<string, number>();
  const keys = new Set<string>();
  let columns: string[] | undefined;
  for await (const cells of recordsOf(path)) {
    if (columns === undefined) {
      columns = cells.map((cell) => cell.trim());
      continue;
    }
    const cell = (name: string): string => plain(cells[columns?.indexOf(name) ?? -1]);
    const key = cell("Unique Key");
    if (key === "" || keys.has(key) || leftOut(key)) continue;
    keys.add(key);
    const state = Object.entries(STATE_OF).find(([written]) => written === cell("Status"));
    add(status, state?.[1] ?? "");
    add(agency, cell("Agency"));
    add(complaintType, cell("Complaint Type"));
  }
  return { status, agency, "complaint type": complaintType, keys };
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function plain(cell = ""): string {
  const words = cell
    .toLowerCase()
    .split(/\s/)
    .filter((word) => word !== "");
  const text = words.join(" ");
  return text === "n/a" || text === "unspecified" ? "" : text;
}

/** A record per line, unless the line end stands inside quotes; "" inside them is a quote. */
async function* recordsOf(path: string): AsyncGenerator<string[]> {
  let cells: string[] = [];
  let cell = "";
  let quotes = 0;
  for await (const chunk of createReadStream(path, { encoding: "utf8" })) {
    for (const character of chunk as string) {
      const isInside = quotes % 2 === 1;
      if (character === '"' && (cell === "" || quotes > 0)) {
        quotes += 1;
        if (quotes > 1 && quotes % 2 === 1) cell += '"';
      } else if (isInside || (character !== "," && character !== "\n")) {
        if (character !== "\uFEFF") cell += character;
      } else {
        cells.push(cell.trim());
        cell = "";
        quotes = 0;
        if (character === ",") continue;
        if (cells.length > 1) yield cells;
        cells = [];
      }
    }
  }
  if (cells.length > 0) yield [...cells, cell.trim()];
}
