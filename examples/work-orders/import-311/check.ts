// Asks the API how many of the file's requests it has by status, by team and by category, and puts
// that beside a count of the file.
import type { Api } from "./api.ts";
import { countFile, type FileCounts } from "./count-file.ts";

export interface Comparison {
  readonly by: "status" | "agency" | "complaint type";
  readonly groups: number;
  /** Sentences about the groups that differ. */
  readonly differences: readonly string[];
}

const STATES = ["open", "assigned", "in_progress", "on_hold", "done", "cancelled"];

/**
 * Compares the whole file with the API. Keys that `leftOut` names are left out on both sides.
 * LIMIT: what changes while it counts may show as a difference.
 */
export async function check(
  path: string,
  api: Api,
  leftOut: (key: string) => boolean,
): Promise<readonly Comparison[]> {
  const file = await countFile(path, leftOut);
  const count = async (test: string, value: string): Promise<number> => {
    let found = 0;
    const query = { fields: "externalId", [`filter[${test}`]: value };
    for await (const { externalId } of api.list("work-orders", query)) {
      if (file.keys.has(String(externalId))) found += 1;
    }
    return found;
  };
  const status = new Map<string, number>();
  for (const state of STATES) status.set(state, await count("status]", state));
  return [
    compare("status", file, status),
    compare("agency", file, await countByName(api, "teams", "teamId", count)),
    compare("complaint type", file, await countByName(api, "categories", "categoryId", count)),
  ];
}

async function countByName(
  api: Api,
  resource: string,
  field: string,
  count: (test: string, value: string) => Promise<number>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map([["", await count(`${field}][isNull]`, "true")]]);
  for await (const { id, name } of api.list(resource, { sort: "name", fields: "id,name" })) {
    const known = String(name).toLowerCase();
    counts.set(known, (counts.get(known) ?? 0) + (await count(`${field}]`, id)));
  }
  return counts;
}

function compare(
  by: Comparison["by"],
  file: FileCounts,
  api: ReadonlyMap<string, number>,
): Comparison {
  const names = new Set([...file[by].keys(), ...api.keys()]);
  const differences: string[] = [];
  let groups = 0;
  for (const name of names) {
    const inFile = file[by].get(name) ?? 0;
    const inApi = api.get(name) ?? 0;
    if (inFile > 0) groups += 1;
    if (inFile === inApi) continue;
    const group = name === "" ? `no ${by}` : `${by} "${name}"`;
    differences.push(`${group}: ${inFile} in the file, ${inApi} in the API`);
  }
  return { by, groups, differences };
}
