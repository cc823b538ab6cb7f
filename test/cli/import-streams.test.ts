// `backwright import` from pipes and to files of rejected records: what a shell does with it.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLE, type Person, startTestBackend, type TestBackend } from "../support/backend.ts";
import { commandLine, type Program, startProgram, watch } from "./program.ts";

const hasScript = spawnSync("script", ["--version"]).stdout?.toString().includes("util-linux");

const folder = mkdtempSync(join(tmpdir(), "backwright-streams-"));
const map = join(folder, "sites.map.json");
let backend: TestBackend;
let who: Person;
beforeAll(async () => {
  backend = await startTestBackend("import_streams");
  who = await backend.person(await backend.tenant("Harbour"), "manager");
  writeFileSync(map, '{ "key": "name", "fields": { "name": "Name", "address": "Street" } }');
});
afterAll(async () => {
  await backend?.close();
  rmSync(folder, { recursive: true, force: true });
});

const environment = () => {
  const { appUrl, ownerUrl } = backend.database;
  return { DATABASE_URL: appUrl, DATABASE_OWNER_URL: ownerUrl, BACKWRIGHT_KEY: who.key };
};

function start(path: string, ...more: string[]): Program {
  const args = ["--project", EXAMPLE, "import", "sites", path, "--map", map, ...more];
  return startProgram(args, { environment: environment(), directory: folder });
}

function write(name: string, content: string | Buffer): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

async function countOf(start: string): Promise<number> {
  const text = "select count(*)::int as n from sites where organization_id = $1 and name like $2";
  const [row] = await backend.owner.query<{ n: number }>(text, [who.tenantId, `${start}%`]);
  return row?.n ?? 0;
}

const rows = (name: string, count: number): string =>
  Array.from({ length: count }, (_, at) => `${name} ${at},Street\n`).join("");

describe("a pipe", () => {
  test("is read from standard input, and what came of it is told as JSON", async () => {
    const running = start("-", "--format", "csv", "--json");
    running.child.stdin?.end(`Name,Street\n${rows("piped", 700)},no name\n`);
    const { code, stdout, stderr } = await running.ended;
    expect(code, stderr).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      dryRun: false,
      read: 701,
      created: 700,
      updated: 0,
      present: 0,
      skipped: 0,
      rejected: 1,
      related: {},
      seconds: expect.any(Number),
      rejects: "stdin.rejected.csv",
    });
    expect(readFileSync(join(folder, "stdin.rejected.csv"), "utf8")).toBe(
      "Name,Street,rejected_line,rejected_field,rejected_reason\n" +
        ',no name,702,name,"is missing, and it is the key"\n',
    );
  });

  // Planted: the cells beyond the last column left out -> red (lost, and then taken without them).
  test("has rows with too many cells put aside whole, and refused until mended", async () => {
    const first = start("-", "--format", "csv", "--rejects", "surplus.csv");
    first.child.stdin?.end("Name,Street\nsurplus, Quay 1,and,more\n");
    expect((await first.ended).stdout).toContain("0 created, 0 already there, 1 rejected");
    const rejected = readFileSync(join(folder, "surplus.csv"), "utf8");
    expect(rejected.split("\n")[1]).toBe("surplus, Quay 1,2,,has 4 columns instead of 2,and,more");
    const again = await start(join(folder, "surplus.csv"), "--rejects", "again.csv").ended;
    expect(again.stdout).toContain("0 created, 0 already there, 1 rejected");
    expect(await countOf("surplus")).toBe(0);
  });

  test("may be a named one, and a file may be compressed", async () => {
    const pipe = join(folder, "pipe.ndjson");
    execFileSync("sh", ["-c", 'mkfifo "$0"', pipe]);
    const running = start(pipe);
    const writer = spawn("sh", [
      "-c",
      'printf \'{"Name":"fifo 1"}\\n{"Name":"fifo 2"}\' > "$0"',
      pipe,
    ]);
    const first = await running.ended;
    writer.kill();
    expect(first.stdout, first.stderr).toContain("2 created, 0 already there, 0 rejected");
    const path = write("packed.csv.gz", gzipSync(`Name,Street\n${rows("packed", 5)}`));
    const second = await start(path).ended;
    expect(second.stdout, second.stderr).toContain("5 created, 0 already there, 0 rejected");
  });

  // Planted: the source left open at a signal -> red (it waits for the pipe to end).
  test("that says nothing more does not keep Ctrl-C waiting", async () => {
    const running = start("-", "--format", "csv");
    running.child.stdin?.write(`Name,Street\n${rows("slow", 4_000)}`);
    // The last stretch is not full, for the last record may not have ended.
    await expect.poll(() => countOf("slow"), { timeout: 60_000 }).toBe(3_500);
    running.interrupt();
    const { code, stdout, stderr } = await running.ended;
    expect(code, stderr).toBe(130);
    expect(stderr).toContain("Interrupted. Nothing is half done.");
    expect(stderr).toContain("The same command goes on where this one stopped");
    expect(stdout).toContain("3,500 created");
  });
});

describe("the file of the rejected records", () => {
  const bad = `Name,Street\n,a\n`;

  // Planted: opened over what is there -> red.
  test("does not take the place of one that somebody mends", async () => {
    const path = write("bad.csv", bad);
    const rejects = write("bad.csv.rejected.csv", "being mended");
    const first = await start(path).ended;
    expect(first.stderr).toContain(`Those of an earlier run are in ${rejects}.old now.`);
    expect(readFileSync(`${rejects}.old`, "utf8")).toBe("being mended");
    expect(readFileSync(rejects, "utf8")).toContain(",a,2,name,");
  });

  // Planted: csvLine without the delimiter -> red.
  test("has the delimiter of the mapping, so that it goes in by the same one", async () => {
    const own = write(
      "semicolons.map.json",
      readFileSync(map, "utf8").replace("{", '{ "delimiter": ";",'),
    );
    const path = write("semicolons.csv", "Name;Street\n;a,b\n");
    await start(path, "--map", own).ended;
    const rejected = readFileSync(`${path}.rejected.csv`, "utf8");
    expect(rejected).toMatch(
      /^Name;Street;rejected_line;rejected_field;rejected_reason\n;a,b;2;name;/,
    );
    const mended = write("mended.csv", rejected.replace("\n;", "\nSemicolons;"));
    const again = await start(mended, "--map", own).ended;
    expect(again.stdout, again.stderr).toContain("1 created, 0 already there, 0 rejected");
  });

  test("is not the imported file, and is not made where nothing is refused", async () => {
    const path = write("good.csv", `Name,Street\n${rows("good", 1)}`);
    const same = await start(path, "--rejects", path).ended;
    expect(same.stderr).toContain("--rejects names the file that is imported");
    expect(same.code).toBe(1);
    expect((await start(path).ended).code).toBe(0);
    expect(existsSync(`${path}.rejected.csv`)).toBe(false);
  });

  test.skipIf(!existsSync("/dev/full"))("ends the import where its disk is full", async () => {
    const path = write("full.csv", `${bad}${rows("full", 3)}`);
    const { code, stderr, stdout } = await start(path, "--rejects", "/dev/full").ended;
    expect(stderr).toMatch(/Rejected records cannot be written to \/dev\/full: ENOSPC/);
    expect(stderr).not.toContain("    at ");
    expect(code).toBe(1);
    // What is in is told all the same.
    expect(stdout).toContain("3 created");
    expect(await countOf("full")).toBe(3);
  });
});

describe("the progress", () => {
  test("is a plain line now and then where it is no terminal", async () => {
    const running = start("-", "--format", "csv");
    const stdin = running.child.stdin;
    stdin?.write(`Name,Street\n${rows("plain", 600)}`);
    await expect.poll(() => countOf("plain"), { timeout: 60_000 }).toBe(500);
    // The next line is due two seconds later; that it comes is tested, not when.
    await new Promise((resolve) => setTimeout(resolve, 2_200));
    stdin?.end(rows("plainer", 600));
    const { stderr } = await running.ended;
    expect(stderr).toMatch(/^[\d,]+ written {2}0 already there {2}0 rejected {2}[\d,]+ rows\/s$/m);
  });

  test.skipIf(!hasScript)("tells part, rate and time left on a terminal", async () => {
    const path = write("many.csv", `Name,Street\n${rows("many", 6_000)}`);
    const line = commandLine(["--project", EXAMPLE, "import", "sites", path, "--map", map])
      .map((word) => `'${word}'`)
      .join(" ");
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, TERM: "xterm-256color", ...environment() };
    const child = spawn("script", ["-qefc", `exec ${line}`, "/dev/null"], { env });
    const { code, stdout } = await watch(child).ended;
    const plain = stripVTControlCharacters(stdout);
    expect(plain).toMatch(/\r\d+ % {2}[\d,]+ written .* rows\/s {2}\d+ (?:s|min) left/);
    expect(stdout).toContain("6,000 created, 0 already there, 0 rejected in");
    expect(code).toBe(0);
  });
});
