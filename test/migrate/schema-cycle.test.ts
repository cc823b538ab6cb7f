import { sql } from "drizzle-orm";
import { integer, text, uuid } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeMigration } from "../../src/migrate/files.ts";
import { planMigration, type SchemaSource } from "../../src/migrate/plan.ts";
import { migrateDown, migrateUp } from "../../src/migrate/runner.ts";
import { SYSTEM_MIGRATIONS } from "../../src/migrate/system.ts";
import { readCatalogue } from "./catalogue.ts";
import {
  assetStates,
  assetsWith,
  createScratch,
  organizations,
  type Scratch,
  schema,
  withAssets,
} from "./scratch.ts";

let scratch: Scratch;
beforeAll(async () => {
  scratch = await createScratch();
});
afterAll(() => scratch.drop());

/** Plans and writes one migration a step. */
async function writeSteps(steps: readonly SchemaSource[]): Promise<void> {
  let previous = null;
  for (const [index, step] of steps.entries()) {
    const plan = await planMigration(step, previous);
    await writeMigration(scratch.directory, `step-${index + 1}`, plan);
    previous = plan.snapshot;
  }
}

const column = { status: text().notNull().default("active") };
const steps: readonly SchemaSource[] = [
  schema,
  // Tables, a schema and their walls go; a state list appears.
  withAssets(assetsWith(column), { states: [{ ...assetStates, values: ["active", "it's"] }] }),
  // The list changes, columns and an index come.
  withAssets(
    assetsWith(
      {
        ...column,
        seats: integer().notNull().default(0),
        label: text().generatedAlwaysAs(sql`upper(status)`),
        ownerId: uuid("owner_id"),
      },
      "assets",
      "assets_by_id",
    ),
    { states: [assetStates] },
  ),
  // The wall of one table goes.
  {
    tables: { organizations, assets: assetsWith(column) },
    walls: schema.walls.slice(0, 1),
    states: [],
  },
  // And comes back.
  withAssets(assetsWith(column)),
];

describe("every migration, up, down and up again", () => {
  test("leaves the catalogue as it was, grants and policies included", async () => {
    await writeSteps(steps);
    const options = scratch.options({ system: SYSTEM_MIGRATIONS });
    await migrateUp({ ...options, to: "0001-step-1" });
    await migrateDown(options);
    const after = [await readCatalogue(scratch.owner)];
    for (const index of steps.keys()) {
      await migrateUp({ ...options, to: `000${index + 1}-step-${index + 1}` });
      after.push(await readCatalogue(scratch.owner));
    }
    expect(after[1]).toContain(
      "public.assets assets_status_states CHECK " +
        "((status = ANY (ARRAY['active'::text, 'retired'::text])))",
    );
    expect(new Set(after.map(String)).size).toBe(steps.length + 1);
    for (const index of [...steps.keys()].reverse()) {
      await migrateDown(options);
      expect(await readCatalogue(scratch.owner)).toEqual(after[index]);
    }
    await migrateUp({ ...options, walls: steps.at(-1)?.walls ?? [] });
    expect(await readCatalogue(scratch.owner)).toEqual(after.at(-1));
    // Planted fault: let the plan's way down forget walls -> red.
  });
});
