// The mappings that the documentation shows are taken as they stand there.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadProject } from "../../src/app/project.ts";
import { compileMapping } from "../../src/transfer/row-plan.ts";
import { EXAMPLE } from "../support/backend.ts";

const HOW_TO = join(import.meta.dirname, "../../docs/how-to");

// Planted: `whenPresent` misspelt on the page -> red.
test.each([
  ["import.md", "work-orders"],
  ["export.md", "sites"],
])("%s shows mappings that are valid", async (page, resource) => {
  const { model } = await loadProject(EXAMPLE);
  const blocks = [
    ...readFileSync(join(HOW_TO, page), "utf8").matchAll(/```json title="[^"]*"\n([\s\S]*?)```/g),
  ];
  expect(blocks.length).toBeGreaterThan(0);
  for (const [, json = ""] of blocks) {
    expect(compileMapping(JSON.parse(json), model, resource).key).toHaveLength(1);
  }
});
