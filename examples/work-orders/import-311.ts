// Sends a file of New York's 311 requests through the HTTP API, as the organization "New York 311"
// of the demo data. Safe to repeat for ever. Arguments and messages only; import-311/ does it.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Api, Refused } from "./import-311/api.ts";
import { check } from "./import-311/check.ts";
import { ImportStopped } from "./import-311/import-stopped.ts";
import { Progress } from "./import-311/progress.ts";
import { fileSize } from "./import-311/read-file.ts";
import { type Outcome, runImport } from "./import-311/run-import.ts";

const ORGANIZATION = "New York 311";
const USAGE = `npm run import:311 -- <file.csv> [--url http://127.0.0.1:3000] [--key bw_…]`;
const KEYS_FILE = join(import.meta.dirname, ".backwright/keys.json");
const REPEATED_SIGNAL_NS = 300_000_000n;

const EXIT = { done: 0, rejected: 1, stopped: 2, interrupted: 130 } as const;

interface Arguments {
  readonly path: string;
  readonly url: string;
  readonly key: string;
}

async function main(): Promise<number> {
  const { path, url, key } = await readArguments(process.argv.slice(2));
  const stop = stopOnSignal();
  const progress = new Progress(await fileSize(path));
  const api = new Api(url, key, stop);
  const outcome: Outcome = {
    created: 0,
    present: 0,
    rejected: 0,
    changed: new Set(),
    rejectedKeys: new Set(),
  };
  try {
    await runImport(path, api, outcome, progress, stop);
  } finally {
    progress.clear();
    print(progress.summary(outcome));
  }
  const agrees = await printCheck(path, api, outcome);
  return agrees && outcome.rejected === 0 ? EXIT.done : EXIT.rejected;
}

async function readArguments(args: readonly string[]): Promise<Arguments> {
  const { values, positionals } = parse(args);
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) {
    throw new ImportStopped("Name one file.", USAGE);
  }
  const url = values.url ?? "http://127.0.0.1:3000";
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) {
    throw new ImportStopped(`${url} is not an http address.`, USAGE);
  }
  // npm changes to the folder of the package; the path means the folder where npm was called.
  const path = resolve(process.env.INIT_CWD ?? "", file);
  return { path, url, key: values.key ?? (await managerKey()) };
}

function parse(args: readonly string[]) {
  const options = { url: { type: "string" }, key: { type: "string" } } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (cause) {
    throw new ImportStopped(cause instanceof Error ? cause.message : String(cause), USAGE);
  }
}

/** The key that the demo data made for this import. */
async function managerKey(): Promise<string> {
  const text = await readFile(KEYS_FILE, "utf8").catch(() => '{ "keys": [] }');
  const { keys } = JSON.parse(text) as { keys: readonly Readonly<Record<string, string>>[] };
  const found = keys.find((one) => one.tenant === ORGANIZATION && one.role === "manager")?.key;
  if (found !== undefined) return found;
  const fix = "Start the example once (npm start), which makes the key, or give one: --key bw_…";
  throw new ImportStopped(`There is no manager's key of "${ORGANIZATION}" in ${KEYS_FILE}.`, fix);
}

/** The first signal ends the import between two rows, the second at once. */
function stopOnSignal(): AbortSignal {
  const stopping = new AbortController();
  let firstAt: bigint | undefined;
  const onSignal = (): void => {
    const at = process.hrtime.bigint();
    firstAt ??= at;
    if (!stopping.signal.aborted) {
      const fix = "Nothing is half done. The same command goes on where this one stopped.";
      stopping.abort(new ImportStopped("Interrupted.", fix, { exitCode: EXIT.interrupted }));
    } else if (at - firstAt > REPEATED_SIGNAL_NS) {
      // npm repeats the terminal's signal a moment later; this is a second one.
      process.exit(EXIT.interrupted);
    }
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return stopping.signal;
}

async function printCheck(path: string, api: Api, outcome: Outcome): Promise<boolean> {
  const { changed, rejectedKeys } = outcome;
  const leftOut = (key: string): boolean => changed.has(key) || rejectedKeys.has(key);
  let agrees = true;
  print("Checked over the API against a second count of the file:");
  for (const { by, groups, differences } of await check(path, api, leftOut)) {
    print(`  by ${by} (${groups}): ${differences.length === 0 ? "agrees" : "DIFFERS"}`);
    for (const difference of differences) print(`    ${difference}`);
    agrees &&= differences.length === 0;
  }
  if (changed.size > 0) print(`  ${changed.size} changed since they came in: not compared`);
  return agrees;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

// Somebody who stops reading (| head) does not stop the import.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof ImportStopped || error instanceof Refused)) throw error;
  process.stderr.write(`${error.message}\n`);
  if (error instanceof ImportStopped) process.stderr.write(`  ${error.fix}\n`);
  process.exitCode = error instanceof ImportStopped ? error.exitCode : EXIT.stopped;
}
