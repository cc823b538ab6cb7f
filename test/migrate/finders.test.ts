// Finders in the database: made after the migrations, mended when somebody changed them, removed
// when nothing needs them, and missed by a process that starts before they are there.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadProject, type Project } from "../../src/app/project.ts";
import { failureOf } from "../../src/database/failures.ts";
import { missingFinders } from "../../src/migrate/finders.ts";
import { migrateUp } from "../../src/migrate/runner.ts";
import { wallsOf } from "../../src/migrate/source.ts";
import { SYSTEM_MIGRATIONS } from "../../src/migrate/system.ts";
import { type Finder, findersOf } from "../../src/sql/finder.ts";
import { createScratch, type Scratch } from "./scratch.ts";

let scratch: Scratch;
let project: Project;
let finders: readonly Finder[];

const up = (given = finders) =>
  migrateUp({
    ...scratch.options({ system: SYSTEM_MIGRATIONS }),
    directory: project.migrations,
    walls: wallsOf(project.model),
    finders: given,
  });
/** Name, version of the row and what was granted: anything that was written anew differs. */
const state = () =>
  scratch.owner.query<{ name: string }>(
    `select proname as name, xmin::text, proacl::text from pg_proc
     where pronamespace = 'backwright'::regnamespace and proname ~ '^finder_' order by 1`,
  );

beforeAll(async () => {
  scratch = await createScratch();
  project = await loadProject(join(import.meta.dirname, "../fixtures/papers"));
  finders = findersOf(project.model);
  await up();
});
afterAll(() => scratch?.drop());

describe("a run of migrations", () => {
  test("makes every finder of the model, and writes nothing when they are there", async () => {
    const made = await state();
    expect(made.map(({ name }) => name)).toEqual(finders.map(({ name }) => name));
    expect(await missingFinders(scratch.appUrl, finders)).toEqual([]);
    await up();
    expect(await state()).toEqual(made);
  });

  // Planted: the check of each of these left out of readFinders -> red.
  test.each([
    ["is for everybody", (f: string) => `grant execute on function ${f} to public`],
    ["is not for the app", (f: string) => `revoke execute on function ${f} from :app`],
    ["has no search path", (f: string) => `alter function ${f} reset search_path`],
    ["has another search path", (f: string) => `alter function ${f} set search_path = public`],
    ["is the caller's", (f: string) => `alter function ${f} security invoker`],
    ["may change rows", (f: string) => `alter function ${f} volatile`],
    [
      "does something else",
      (f: string) =>
        `create or replace function ${f} returns table (id uuid) language sql stable
           security definer set search_path = pg_catalog, pg_temp
           as 'select p.id from public.papers p'`,
    ],
    ["is gone", (f: string) => `drop function ${f}`],
  ])("mends a finder that %s", async (_what, change) => {
    const finder = finders.find(({ returns }) => returns === "id uuid");
    if (finder === undefined) throw new Error("there is such a finder");
    const signature = `backwright.${finder.name}(${finder.arguments.join(", ")})`;
    const before = await acl();
    await scratch.owner.query(change(signature).replace(":app", `"${scratch.appRole}"`));
    await up();
    expect(await acl()).toEqual(before);
  });

  const acl = () =>
    scratch.owner.query(
      `select proname, prosrc, proacl::text, prosecdef, provolatile, proconfig from pg_proc
       where pronamespace = 'backwright'::regnamespace order by 1`,
    );

  // Planted: those dropped that the model does not name, as it was -> red.
  test("keeps the finders of the model before, and none of the one before that", async () => {
    const [first, second, ...others] = finders;
    if (first === undefined || second === undefined) throw new Error("there are such finders");
    await up([second, ...others]);
    expect(await missingFinders(scratch.appUrl, finders)).toEqual([]);
    await up([second, ...others]); // Run again, as each of several processes may.
    expect(await missingFinders(scratch.appUrl, finders)).toEqual([]);
    await up(others);
    expect(await missingFinders(scratch.appUrl, finders)).toEqual([first.name]);
    // Without being told of any, it removes none.
    await migrateUp({
      ...scratch.options({ system: SYSTEM_MIGRATIONS }),
      directory: project.migrations,
    });
    expect(await missingFinders(scratch.appUrl, finders)).toEqual([first.name]);
    await up();
    expect(await state()).toHaveLength(finders.length);
  });

  // Planted: the mark left on one that is named again -> dropped under its own model, red.
  test("keeps what a model that is rolled back names, and what the other one did", async () => {
    const [first, second, ...others] = finders;
    if (first === undefined || second === undefined) throw new Error("there are such finders");
    await up([first, ...others]);
    await up([second, ...others]);
    await up([first, ...others]);
    expect(await missingFinders(scratch.appUrl, finders)).toEqual([]);
    await up(others);
    expect(await missingFinders(scratch.appUrl, finders)).toEqual([second.name]);
    await up();
    expect(await state()).toHaveLength(finders.length);
  });

  test("drops one of the model before that somebody has changed", async () => {
    const [first, ...others] = finders;
    if (first === undefined) throw new Error("there are finders");
    await up(others);
    const signature = `backwright.${first.name}(${first.arguments.join(", ")})`;
    await scratch.owner.query(`grant execute on function ${signature} to public`);
    await up(others);
    expect(await missingFinders(scratch.appUrl, finders)).toEqual([first.name]);
    await up();
  });
});

// Planted: every missing function taken for a finder, as it was -> "stale", red.
test("a missing finder is a matter of the moment, any other function a mistake", async () => {
  const kind = async (text: string): Promise<string> =>
    scratch.owner.query(text).then(
      () => "there",
      (error: unknown) => failureOf(error).kind,
    );
  expect(await kind("select * from backwright.finder_0123456789abcdef('a')")).toBe("stale");
  expect(await kind("select lost_function('a')")).toBe("other");
  expect(await kind("select backwright.lost('a')")).toBe("other");
});

test("a finder has another name for everything else that it is", () => {
  const names = new Set(finders.map(({ name }) => name));
  expect(names.size).toBe(finders.length);
  expect(new Set(finders.map(({ body }) => body)).size).toBe(finders.length);
});
