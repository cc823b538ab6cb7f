// The manifest: the whole backend as one JSON document that says the same thing the same way from
// load to load, so that two of them can be compared. After a change that is meant: vitest run -u.
//
// Planted faults, each red before it was taken out again:
// - an entry with the time of making -> two loads
// - resources in the order of declaration instead of by name -> order
// - a policy's rows left out -> the golden document
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { loadProject } from "../../src/app/project.ts";
import { compileModel } from "../../src/model/compile.ts";
import { manifest } from "../../src/model/manifest.ts";
import { EXAMPLE } from "../support/backend.ts";

const run = promisify(execFile);
const textOf = (document: unknown): string => `${JSON.stringify(document, null, 2)}\n`;

describe("the manifest of the example", () => {
  test("is the golden document", async () => {
    const { model } = await loadProject(EXAMPLE);
    await expect(textOf(manifest(model))).toMatchFileSnapshot("../golden/manifest.json");
  });

  test("is the same from two loads, here and in a process of its own", async () => {
    const { backend, model } = await loadProject(EXAMPLE);
    const first = textOf(manifest(model));
    expect(textOf(manifest(compileModel(backend)))).toBe(first);
    const source = join(import.meta.dirname, "../../src");
    const program = `
      import { loadProject } from ${JSON.stringify(join(source, "app/project.ts"))};
      import { manifest } from ${JSON.stringify(join(source, "model/manifest.ts"))};
      const { model } = await loadProject(${JSON.stringify(EXAMPLE)});
      process.stdout.write(JSON.stringify(manifest(model), null, 2) + "\\n");`;
    const args = ["--conditions=backwright-source", "--input-type=module", "--eval", program];
    const { stdout } = await run(process.execPath, args);
    expect(stdout).toBe(first);
  });

  test("does not depend on the order in which resources and roles are declared", async () => {
    const { backend, model } = await loadProject(EXAMPLE);
    const turned = <T extends object>(record: T): T =>
      Object.fromEntries(Object.entries(record).toReversed()) as T;
    const resources = Object.fromEntries(
      Object.entries(turned(backend.resources)).map(([name, resource]) => [
        name,
        { ...resource, options: { ...resource.options, access: turned(resource.options.access) } },
      ]),
    );
    const other = compileModel({ ...backend, resources });
    expect(textOf(manifest(other))).toBe(textOf(manifest(model)));
  });

  test("is JSON to the last value, and holds no secret of the process", async () => {
    const { model } = await loadProject(EXAMPLE);
    const document = manifest(model);
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
    expect(textOf(document)).not.toMatch(/postgres:\/\/|bw_[A-Za-z0-9]|\/(?:home|root|tmp)\//);
  });
});
