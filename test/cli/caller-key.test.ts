// Whose key a command takes where none is named.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeDevelopmentKeys } from "../../src/app/keys-file.ts";
import { loadProject, type Project } from "../../src/app/project.ts";
import { keyOf } from "../../src/cli/caller-key.ts";
import { EXAMPLE } from "../support/backend.ts";

let project: Project;
beforeAll(async () => {
  const state = await mkdtemp(join(tmpdir(), "backwright-caller-"));
  project = { ...(await loadProject(EXAMPLE)), state };
});
afterAll(() => rm(project.state, { recursive: true, force: true }));

const keyFor = (tenant: string, role: string, key: string) => ({ tenant, role, name: key, key });

test("a project that was never served is told to serve, which makes keys", async () => {
  const refused = await keyOf(project, {}).catch((error: unknown) => error);
  expect(refused).toMatchObject({ fix: expect.stringContaining("npx backwright dev") });
});

// Planted: the first of several tenants taken -> red.
test("a role that several tenants have is no answer to whose key", async () => {
  await writeDevelopmentKeys(project, [
    keyFor("Harbour", "manager", "bw_1"),
    keyFor("Harbour", "manager", "bw_2"),
    keyFor("Hospital", "manager", "bw_3"),
    keyFor("Hospital", "viewer", "bw_4"),
  ]);
  await expect(keyOf(project, { role: "manager" })).rejects.toThrow("say which by tenant and role");
  await expect(keyOf(project, { tenant: "Hospital" })).rejects.toThrow("Several");
  expect(await keyOf(project, { tenant: "Harbour" })).toBe("bw_1");
  expect(await keyOf(project, { tenant: "Hospital", role: "manager" })).toBe("bw_3");
  expect(await keyOf(project, { role: "viewer" })).toBe("bw_4");
});
