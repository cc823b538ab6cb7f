// Settings in files. What is set in the environment is never overwritten by a file.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EXAMPLE } from "../support/backend.ts";
import { type Environment, startProgram } from "./program.ts";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** What the program says when it is started where these files are. */
async function start(files: Readonly<Record<string, string>>, environment: Environment = {}) {
  const directory = mkdtempSync(join(tmpdir(), "backwright-environment-"));
  folders.push(directory);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const { ended } = startProgram(["--project", EXAMPLE, "start"], { directory, environment });
  return (await ended).stderr;
}

// Each address is none, so the message shows which one was read.
const names = (port: string): string => `PORT=${port}\nDATABASE_URL=postgres://x\n`;

describe("settings in files", () => {
  test("are read by the name of the environment: production for start", async () => {
    expect(await start({ ".env.production": "DATABASE_URL=here\n" })).toContain(
      "DATABASE_URL is not a PostgreSQL address",
    );
    expect(await start({ ".env.development": "DATABASE_URL=here\n" })).toContain(
      "DATABASE_URL is not set",
    );
  });

  test("are those of BACKWRIGHT_ENV where it is set", async () => {
    const files = { ".env.production": names("1"), ".env.staging": names("none") };
    expect(await start(files, { BACKWRIGHT_ENV: "staging" })).toContain("PORT must be");
    expect(await start(files, { BACKWRIGHT_ENV: "../x" })).toContain("BACKWRIGHT_ENV is not");
  });

  test("give way to the environment, and local ones go before committed ones", async () => {
    const files = { ".env.production": names("none") };
    expect(await start(files)).toContain("PORT must be");
    expect(await start(files, { PORT: "1" })).not.toContain("PORT must be");
    expect(await start({ ...files, ".env.production.local": "PORT=1\n" })).not.toContain(
      "PORT must",
    );
  });
});
