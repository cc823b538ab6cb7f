// The document of a backend that is mounted one resource at a time.
import { expect, test } from "vitest";
import { loadProject } from "../../src/app/project.ts";
import { openApiDocument } from "../../src/rest/openapi.ts";
import { EXAMPLE } from "../support/backend.ts";

// Planted fault: no schema for a resource without routes -> red, as its records are included.
test("refers to nothing that it does not hold, whichever resources are served", async () => {
  const { model } = await loadProject(EXAMPLE);
  for (const name of model.resources.keys()) {
    for (const role of model.roles) {
      const document = openApiDocument(model, role, { only: new Set([name]) });
      const text = JSON.stringify(document);
      const { components } = document as { components: Record<string, Record<string, unknown>> };
      const references = [...text.matchAll(/"#\/components\/(\w+)\/(\w+)"/g)];
      const dangling = references.filter(([, kind = "", to = ""]) => !components[kind]?.[to]);
      expect([name, role, dangling.map(([reference]) => reference)]).toEqual([name, role, []]);
    }
  }
});
