// The life of a key at the command line: listed by its first characters, replaced without a gap,
// ended for good.
//
// Planted faults, each red before it was taken out again:
// - the old key left living by rotate -> rotate
// - the new key without the old one's claims -> rotate
// - the hash among what list prints -> list
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { carriedClaims } from "../../src/cli/carried-claims.ts";
import { createApiKey, type IssuedApiKey } from "../../src/identity/api-keys.ts";
import { compileModel } from "../../src/model/compile.ts";
import actions from "../fixtures/actions/backend.ts";
import { EXAMPLE, startTestBackend, type TestBackend } from "../support/backend.ts";
import { type Ended, runProgram } from "./program.ts";

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly state: string;
}

const SUBJECT = "0197e7a6-0000-7000-8000-000000000001";
const NOBODY = "0197e7a6-0000-7000-8000-00000000ffff";

let backend: TestBackend;
let tenantId: string;
beforeAll(async () => {
  backend = await startTestBackend("keys_cli");
  tenantId = await backend.tenant("Acme");
});
afterAll(() => backend?.close());

const keys = (...args: readonly string[]): Promise<Ended> =>
  runProgram(["keys", ...args], {
    directory: EXAMPLE,
    environment: {
      DATABASE_URL: backend.database.appUrl,
      DATABASE_OWNER_URL: backend.database.ownerUrl,
    },
  });

async function succeeds(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await keys(...args);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("error")]);
  return stdout;
}

const list = async (...args: readonly string[]): Promise<readonly Listed[]> =>
  JSON.parse(await succeeds("list", "--json", ...args));

const make = (name: string): Promise<string> =>
  createApiKey(backend.owner, {
    tenantId,
    role: "manager",
    subject: SUBJECT,
    name,
    claims: { region: "north" },
    expiresAt: new Date(Date.now() + 86_400_000),
  });

const idOf = async (name: string): Promise<string> =>
  (await list("--all")).find((key) => key.name === name)?.id ?? "";

const opens = async (key: string): Promise<boolean> =>
  (await backend.request("/v1/sites", { key })).status === 200;

test("list shows what a key is and never what would open a door", async () => {
  const key = await make("listed");
  const other = await backend.tenant("Other");
  const text = await succeeds("list");
  expect(text).toMatch(/^id +key +role +state +expires +tenant +subject +name\n/);
  expect(text).toContain(`${key.slice(0, 9)}…`);
  expect(text).not.toContain(key.slice(0, 10));
  const [found] = await list("--tenant", tenantId);
  expect(found).toEqual({
    id: expect.any(String),
    tenantId,
    hint: key.slice(0, 9),
    name: "listed",
    role: "manager",
    subject: SUBJECT,
    state: "living",
    createdAt: expect.stringMatching(/Z$/),
    expiresAt: expect.stringMatching(/Z$/),
    revokedAt: null,
  });
  expect(await list("--tenant", other)).toEqual([]);
});

test("rotate makes a key of the same kind and ends the old one, at once or after a while", {
  timeout: 30_000,
}, async () => {
  const old = await make("turned");
  const id = await idOf("turned");
  const made: IssuedApiKey = JSON.parse(await succeeds("rotate", id, "--json"));
  expect([await opens(made.key), await opens(old)]).toEqual([true, false]);
  const rows = await backend.owner.query<{ like: string }>(
    `select concat(tenant_id, role, subject, claims, name,
       round(extract(epoch from expires_at - created_at))) as like
     from backwright.api_keys where id in ($1, $2)`,
    [id, made.id],
  );
  expect(new Set(rows.map(({ like }) => like)).size).toBe(1);

  const again: IssuedApiKey = JSON.parse(
    await succeeds("rotate", made.id, "--grace-minutes", "5", "--json"),
  );
  expect([await opens(again.key), await opens(made.key)]).toEqual([true, true]);
  const twice = await keys("rotate", id);
  expect([twice.code, twice.stdout]).toEqual([1, ""]);
  expect(twice.stderr).toMatch(
    /There is no living key .*\n {2}fix: npx backwright keys list --all/,
  );
});

test("revoke ends a key for good", async () => {
  const key = await make("ended");
  const id = await idOf("ended");
  expect(await succeeds("revoke", id)).toContain(`Revoked ${key.slice(0, 9)}… (manager, ended)`);
  expect(await opens(key)).toBe(false);
  expect((await list()).map(({ name }) => name)).not.toContain("ended");
  expect((await list("--all")).find(({ name }) => name === "ended")?.state).toBe("revoked");
  for (const [command = "", given = "", message = ""] of [
    ["revoke", id, "There is no living key"],
    ["revoke", NOBODY, "There is no living key"],
    ["revoke", "all", "must be a UUID"],
    ["rotate", "x' or true", "must be a UUID"],
  ]) {
    const { code, stdout, stderr } = await keys(command, given);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(message);
  }
});

// Planted: the value taken whatever the claim's type; the claims not stored -> red each.
describe("the claims that a key carries", () => {
  const model = compileModel(actions);

  test("are those that the domain declares by type alone, in that type", () => {
    const given = ["region=a=b", "level=3", "onCall=true", "tags=x", "tags=y"];
    const claims = { region: "a=b", level: "3", onCall: "true", tags: ["x", "y"] };
    expect(carriedClaims(model, given)).toEqual(claims);
    expect(carriedClaims(model)).toEqual({});
  });

  test.each([
    [["nothing=1"], /"nothing" is not a claim/],
    [["id=1"], /"id" is not a claim/],
    [["region"], /"region" is not a claim with a value/],
    [["level=high"], /level is not of the type integer/],
    [["onCall=yes"], /onCall is not of the type boolean/],
    [["region=a", "region=b"], /region is given twice/],
  ])("are refused otherwise: %j", (given, message) => {
    expect(() => carriedClaims(model, given)).toThrow(message);
  });

  test("are stored with it", { timeout: 60_000 }, async () => {
    const directory = join(import.meta.dirname, "../fixtures/actions");
    const world = await startTestBackend("keys_claims", { directory });
    const { ownerUrl, appUrl } = world.database;
    const of = ["--tenant", await world.tenant("Acme"), "--role", "lead", "--subject", SUBJECT];
    const { stdout } = await runProgram(["keys", "create", ...of, "--claim", "level=3"], {
      directory,
      environment: { DATABASE_URL: appUrl, DATABASE_OWNER_URL: ownerUrl },
    });
    const actor = await world.authenticator.authenticate(`Bearer ${stdout.trim()}`);
    expect(actor.claims).toMatchObject({ level: "3" });
    await world.close();
  });
});
