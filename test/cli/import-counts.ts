// Counts of 311 requests for the tests of the import: of a file by another program than the import,
// and over the API by walking filtered lists.
import { spawnSync } from "node:child_process";
import { expect } from "vitest";
import type { Person, TestBackend } from "../support/backend.ts";

type Groups = Record<string, number>;
interface Counts {
  readonly status: Groups;
  readonly agency: Groups;
  readonly type: Groups;
}

const PYTHON = `
import csv, json, sys
STATUS = {"Closed": "done", "Open": "open", "OPEN": "open", "open": "open",
          "Assigned": "assigned", "Started": "in_progress", "Pending": "on_hold"}
fold = lambda text: " ".join(text.split()).lower()
seen, counts = set(), {"status": {}, "agency": {}, "type": {}}
with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
    for row in csv.DictReader(file):
        if row["Unique Key"] in seen: continue
        seen.add(row["Unique Key"])
        values = STATUS[row["Status"]], fold(row["Agency"]), fold(row["Complaint Type"])
        for by, value in zip(counts, values):
            value = "" if value in ("n/a", "unspecified") else value
            counts[by][value] = counts[by].get(value, 0) + 1
print(json.dumps(counts))
`;

/** By Python's csv module. Throws where there is no Python. */
export function countsOfFile(path: string): Counts {
  const python = spawnSync("python3", ["-c", PYTHON, path], { encoding: "utf8" });
  if (python.error !== undefined) throw python.error;
  expect(python.stderr).toBe("");
  return JSON.parse(python.stdout) as Counts;
}

export async function countsOverApi(backend: TestBackend, { key }: Person): Promise<Counts> {
  const walk = async (address: string) => {
    const found: Record<string, string>[] = [];
    let after = "";
    do {
      const page = await backend.request(`/v1/${address}&page[size]=100${after}`, { key });
      expect(page.status, page.text).toBe(200);
      found.push(...page.json.data);
      const { hasMore, next } = page.json.meta.pagination;
      after = hasMore ? `&page[after]=${next}` : "";
    } while (after !== "");
    return found;
  };
  const countOf = async (filter: string) =>
    (await walk(`work-orders?fields=id&filter${filter}`)).length;
  const status: Groups = {};
  for (const one of ["open", "assigned", "in_progress", "on_hold", "done", "cancelled"]) {
    const count = await countOf(`[status]=${one}`);
    if (count > 0) status[one] = count;
  }
  const named = async (resource: string, field: string): Promise<Groups> => {
    const without = await countOf(`[${field}][isNull]=true`);
    const groups: Groups = without === 0 ? {} : { "": without };
    for (const { id, name = "" } of await walk(`${resource}?fields=id,name`)) {
      expect(groups).not.toHaveProperty([name.toLowerCase()]);
      groups[name.toLowerCase()] = await countOf(`[${field}]=${id}`);
    }
    return groups;
  };
  const agency = await named("teams", "teamId");
  return { status, agency, type: await named("categories", "categoryId") };
}
