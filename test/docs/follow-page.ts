// A page of documentation, followed by a reader who types what it says: files go where their titles
// say, shell blocks run one after another in one bash, other TypeScript runs as a program. The
// commands `npm`, `npx` and `backwright` are those of the repository; a server that a page starts
// serves in the background until the page ends.
import { spawn } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { blocksOf, type CodeBlock } from "../../scripts/markdown.ts";
import { ROOT, readRepositoryFile } from "../../scripts/repository-files.ts";
import { COMPILE_CACHE } from "../cli/compile-cache.ts";
import { removeProject } from "../database/embedded-process.ts";
import { createTestDatabase, type TestDatabase, testAdminUrl } from "../support/postgres.ts";

const NOT_COPIED = [".backwright", "node_modules"];
const SERVED = "http://127.0.0.1:3000";

export interface Followed {
  /** Where the reader stopped, with what the terminal showed last; undefined at the page's end. */
  readonly stoppedAt: string | undefined;
  /** For each shell block with requests: the line of the page and the statuses that came. */
  readonly statuses: ReadonlyMap<number, readonly number[]>;
  readonly output: string;
}

/** What a reader has in front: a folder, the packages, a terminal. */
interface Desk {
  readonly root: string;
  /** Where the project is. */
  readonly project: string;
  /** Where the reader types. */
  readonly directory: string;
  readonly bin: string;
  readonly port: number;
  /** The PostgreSQL of a page that is about production; undefined for the others. */
  readonly database: TestDatabase | undefined;
}

/** Follows a page from its first block to its last. */
export async function followPage(path: string): Promise<Followed> {
  const page = readRepositoryFile(path);
  const desk = await layDesk(path, page);
  try {
    return await typeAll(await scriptOf(desk, page), desk);
  } finally {
    await removeProject(join(desk.project, ".backwright"));
    await desk.database?.drop();
    await rm(desk.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * A page that says <!-- project: examples/work-orders --> is about that folder, and a page of the
 * example is read at the root of a clone; every other starts with an empty folder.
 */
async function layDesk(path: string, page: string): Promise<Desk> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "backwright-guide-")));
  const isTour = path.startsWith("examples/");
  const base = isTour
    ? path.split("/").slice(0, 2).join("/")
    : /<!--\s*project:\s*(?<base>[\w./-]+)\s*-->/.exec(page)?.groups?.base;
  const project = join(root, base ?? "project");
  await mkdir(project, { recursive: true });
  if (base !== undefined) {
    const filter = (from: string): boolean => !NOT_COPIED.includes(basename(from));
    await cp(join(ROOT, base), project, { recursive: true, filter });
  } else await writeFile(join(project, "package.json"), '{ "type": "module" }');
  for (const name of ["node_modules", "src"]) await symlink(join(ROOT, name), join(root, name));
  const bin = join(root, "bin");
  const port = await freePort();
  await mkdir(bin);
  for (const [name, text] of Object.entries(programs(project))) {
    await writeFile(join(bin, name), text);
    await chmod(join(bin, name), 0o755);
  }
  const needsDatabase = says(page, "deployed") || page.includes("@db:5432");
  const database = needsDatabase ? await createTestDatabase("guide") : undefined;
  return { root, project, directory: isTour ? root : project, bin, port, database };
}

function programs(project: string): Readonly<Record<string, string>> {
  const node = `exec "${process.execPath}" --conditions=backwright-source`;
  const main = join(ROOT, "src/cli/main.ts");
  const tasks = join(ROOT, "scripts/tasks.js");
  return {
    backwright: `#!/bin/bash
case "\${1-}" in dev | start) exec serve "$1" ;; esac
${node} "${main}" "$@"
`,
    npx: '#!/bin/bash\nexec "$@"\n',
    node: `#!/bin/bash\n${node} "$@"\n`,
    npm: `#!/bin/bash
case "$*" in
  start | "run dev") exec serve dev ;;
  test) ${node} --test ;;
  "run import:311 -- "*)
    shift 3
    export INIT_CWD=$PWD
    cd "${project}"
    ${node} --input-type=module -e '
      import { TASKS } from "${tasks}";
      import { spawnSync } from "node:child_process";
      const args = TASKS["import-311"].command(process.argv.slice(1));
      const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
      process.exitCode = status ?? 1;
    ' -- "$@" ;;
  *) echo "npm $* is not followed" >&2; exit 1 ;;
esac
`,
    // Goes on when the server is ready, as a reader does in another terminal.
    serve: `#!/bin/bash
cd "${project}"
setsid "${process.execPath}" --conditions=backwright-source "${main}" "$1" > serve.log 2>&1 &
echo $! >> "$GUIDE_SERVERS"
for attempt in $(seq 300); do
  if [ "$1" = dev ]; then grep -q Ctrl-C serve.log && exit 0
  else "$GUIDE_CURL" -sf -o serve.ready "http://127.0.0.1:$PORT/ready" && exit 0; fi
  kill -0 $! 2> /dev/null || break
  sleep 0.1
done
cat serve.log >&2
exit 1
`,
    curl: `#!/bin/bash
exec "$GUIDE_CURL" -sS --max-time 20 -w '%{stderr}@status %{http_code}\\n' "$@"
`,
    key: `#!/bin/bash
jq -r --arg role "\${1-}" '
  [.keys[] | select($role == "" or .role == $role)][0].key
' "${project}/.backwright/keys.json"
`,
    // What a page leaves for the reader to paste.
    paste: `#!/bin/bash
case "$1" in
  tenant)
    id=$(backwright keys list --all --json | jq -r '.[0].tenantId // empty')
    echo "\${id:-$(paste first-tenant)}" ;;
  person) backwright keys list --all --json | jq -r '.[0].subject' ;;
  comment)
    "$GUIDE_CURL" -s -H "Authorization: Bearer $(key)" "http://127.0.0.1:$PORT/v1/comments" |
      jq -r '.data[0].id' ;;
  first-tenant)
    ${node} --input-type=module -e '
      import pg from "pg";
      const client = new pg.Client(process.env.GUIDE_ADMIN_URL);
      await client.connect();
      const text = "insert into organizations (id, name) values (uuidv7(), $1) returning id";
      const { rows } = await client.query(text, ["Harbour"]);
      console.log(rows[0].id);
      await client.end();
    ' ;;
esac
`,
  };
}

/** The page as one shell script. */
async function scriptOf(desk: Desk, page: string): Promise<string> {
  const lines = ["set -euo pipefail"];
  if (says(page, "served")) lines.push('echo "@line served" >&2', "npm start");
  if (says(page, "deployed")) lines.push('echo "@line deployed" >&2', deployed);
  const tests: string[] = [];
  for (const block of blocksOf(page)) {
    const code = atDesk(block.code, desk);
    lines.push(`echo "@line ${block.line}" >&2`);
    if (block.language === "sh") lines.push(shell(filledIn(code), expectedOf(page, block).exit));
    const isProgram = block.language === "ts" && block.title === undefined;
    if (block.title === undefined && !isProgram) continue;
    const name = block.title ?? `line-${block.line}.ts`;
    const kept = join(desk.root, "blocks", String(block.line));
    await mkdir(dirname(kept), { recursive: true });
    await writeFile(kept, code);
    const place = join(desk.project, name);
    lines.push(`mkdir -p "${dirname(place)}"`, placed(kept, place));
    if (name.endsWith(".test.ts")) tests.push(name);
    if (isProgram) lines.push(`(cd "${desk.project}" && node ${name})`);
  }
  if (tests.length > 0) {
    const run = `node --test --test-reporter=tap ${tests.join(" ")}`;
    lines.push('echo "@line tests" >&2', `(cd "${desk.project}" && ${run})`);
  }
  return lines.join("\n");
}

function shell(code: string, exit: number): string {
  if (exit === 0) return code;
  return `guide_exit=0; (${code}) || guide_exit=$?; [ $guide_exit = ${exit} ]`;
}

export interface Expected {
  /** The statuses of its requests in order; undefined where all of them succeed. */
  readonly statuses: readonly number[] | undefined;
  readonly exit: number;
}

/**
 * What a page leads to expect of a block, where it is not success, stands in a comment before it:
 * <!-- answers: 200 400 --> or <!-- ends with: 1 -->.
 */
export function expectedOf(page: string, { line }: CodeBlock): Expected {
  const above = page.split("\n").slice(0, line - 2);
  const comment = above.findLast((text) => text !== "") ?? "";
  const codes = /^<!-- answers: (?<codes>[\d ]+) -->$/.exec(comment)?.groups?.codes;
  const exit = /^<!-- ends with: (?<exit>\d+) -->$/.exec(comment)?.groups?.exit;
  return { statuses: codes?.split(" ").map(Number), exit: Number(exit ?? 0) };
}

/** A file of the page; a key that the reader has to fill in is a real one where there is one. */
function placed(kept: string, place: string): string {
  return (
    `guide_key=$(key 2> /dev/null || true); ` +
    `sed "s/\\"bw_…\\"/\\"\${guide_key:-bw_none}\\"/" "${kept}" > "${place}"`
  );
}

const atDesk = (code: string, { port }: Desk): string =>
  code
    .replaceAll(SERVED, `http://127.0.0.1:${port}`)
    .replaceAll("https://api.example.org", `http://127.0.0.1:${port}`);

/** What a page leaves for the reader to fill in, and where it comes from here. */
const BLANKS: readonly (readonly [RegExp, string])[] = [
  [/bw_paste_the_key_of_the_(?<role>\w+)/g, "$(key $1)"],
  [/bw_paste_a_key_here|bw_…/g, "$(key)"],
  [/paste_the_id_of_a_(?<what>[\w-]+)/g, "$(paste $1)"],
  [/postgres:\/\/my_app_app:…@db:5432\/my_app/g, '"$GUIDE_APP_URL"'],
  [/postgres:\/\/my_app_owner:…@db:5432\/my_app/g, '"$GUIDE_OWNER_URL"'],
  [/SECRET_KEY=…/g, 'SECRET_KEY="$GUIDE_SECRET"'],
];

const filledIn = (code: string): string =>
  BLANKS.reduce((text, [blank, filling]) => text.replace(blank, filling), code);

/** <!-- served --> or <!-- deployed -->: the page begins with a backend that runs, or may. */
const says = (page: string, word: string): boolean => page.includes(`<!-- ${word} -->`);

const deployed =
  'export DATABASE_URL="$GUIDE_APP_URL" SECRET_KEY="$GUIDE_SECRET"; ' +
  'DATABASE_OWNER_URL="$GUIDE_OWNER_URL" backwright migrate up';

function typeAll(script: string, desk: Desk): Promise<Followed> {
  const servers = join(desk.root, "servers");
  const ends = `trap 'if [ -f "$GUIDE_SERVERS" ]; then while read -r pid; do
    kill -INT -- "-$pid" 2> /dev/null && tail --pid="$pid" -f /dev/null
  done < "$GUIDE_SERVERS"; fi' EXIT`;
  const child = spawn("bash", ["-c", `${ends}\n${script}`], {
    cwd: desk.directory,
    env: {
      PATH: `${desk.bin}:${process.env.PATH}`,
      HOME: process.env.HOME,
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      PORT: String(desk.port),
      GUIDE_CURL: "/usr/bin/curl",
      GUIDE_ADMIN_URL: desk.database?.adminUrl,
      GUIDE_APP_URL: desk.database?.appUrl,
      GUIDE_OWNER_URL: desk.database?.ownerUrl,
      GUIDE_SECRET: "a secret of the reader, long enough to sign with",
      GUIDE_SERVERS: servers,
      TEST_DATABASE_ADMIN_URL: testAdminUrl(),
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const shown: string[] = [];
  const statuses = new Map<number, number[]>();
  let line = "the first line";
  const read = (text: string): void => {
    const block = /^@line (?<at>\w+)/.exec(text)?.groups?.at;
    const status = /@status (?<code>\d+)/.exec(text)?.groups?.code;
    if (block !== undefined) line = block;
    else if (status !== undefined) {
      const at = Number(line);
      statuses.set(at, [...(statuses.get(at) ?? []), Number(status)]);
    } else shown.push(text);
  };
  onLines(child.stdout, read);
  onLines(child.stderr, read);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      const output = shown.join("\n");
      const last = shown.slice(-25).join("\n");
      const stoppedAt = code === 0 ? undefined : `line ${line}, exit code ${code}:\n${last}`;
      resolve({ stoppedAt, statuses, output });
    });
  });
}

function onLines(stream: NodeJS.ReadableStream, read: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(read);
  });
  stream.on("end", () => read(rest));
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
