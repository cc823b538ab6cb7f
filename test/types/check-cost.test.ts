import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { generateApp } from "../../bench/types/generate.ts";
import { REPOSITORY, typeCheckFigures } from "./type-checker.ts";

// Time is the machine's, instantiations are the types' own: 501,081 were measured with two actions
// for each table (Zod input and output, an event, `tx.query`), 308,932 without.
const INSTANTIATIONS_MAX = 560_000;

// Planted faults: `C extends Record<string, PgColumn>` in Columns; Tx without `in out` -> red.
test("an application of 30 tables type-checks within its budget of instantiations", async () => {
  const folder = mkdtempSync(join(REPOSITORY, "bench/types/.generated-"));
  try {
    const project = generateApp({ folder, tables: 30, upTo: "backend" });
    const figures = await typeCheckFigures(project);
    const instantiations = Number(figures.get("Instantiations"));
    expect(instantiations).toBeGreaterThan(0);
    expect(instantiations).toBeLessThanOrEqual(INSTANTIATIONS_MAX);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
