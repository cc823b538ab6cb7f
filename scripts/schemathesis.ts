// An outside judge of the API: Schemathesis (https://schemathesis.io) against the running example,
// once for each role, with the OpenAPI document of that role. Not part of `npm test`: it is a
// program of Python, to be installed beside this repository.
//
//   npm start                                        (in another shell; it prints keys of roles)
//   python3 -m venv .checks/python && .checks/python/bin/pip install schemathesis
//   node scripts/schemathesis.ts $PWD/.checks/python/bin/schemathesis http://127.0.0.1:3000 50 420
//
// The last two: cases for each operation at most, seconds for each role at most.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./repository-files.ts";

// Left out: negative_data_rejection, because bulk answers 200 and refuses records one by one, and
// unsupported_method, because Node's parser answers 400 to methods that it does not know.
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
];

const [
  program = "schemathesis",
  address = "http://127.0.0.1:3000",
  examples = "50",
  seconds = "420",
] = process.argv.slice(2);
const file = join(ROOT, "examples/work-orders/.backwright/keys.json");
const { keys } = JSON.parse(readFileSync(file, "utf8")) as {
  keys: readonly { readonly role: string; readonly key: string }[];
};

// First some random cases for every operation, then the bounds of each: what a machine has no
// time for is then the bounds of the last operations.
const PHASES = ["examples,fuzzing", "coverage"];

// What Schemathesis keeps of its runs goes where git does not look.
const cwd = join(ROOT, ".checks");
mkdirSync(cwd, { recursive: true });
let failed = 0;
// The demo data has several tenants with the same roles: the first has them all.
for (const role of new Set(keys.map((one) => one.role))) {
  const key = keys.find((one) => one.role === role)?.key ?? "";
  for (const phases of PHASES) {
    process.stdout.write(`\n=== ${role}: ${phases}\n`);
    const code = await run(key, phases);
    if (code !== 0) failed += 1;
  }
}
process.exitCode = failed === 0 ? 0 : 1;

function run(key: string, phases: string): Promise<number> {
  const bounds = {
    "--checks": CHECKS.join(","),
    "--phases": phases,
    "--max-examples": examples,
    "--max-time": `${Number(seconds) / PHASES.length}`,
    "--seed": "1",
  };
  const child = spawn(
    program,
    [
      ...["run", `${address}/openapi.json`, "--header", `Authorization: Bearer ${key}`],
      ...Object.entries(bounds).flat(),
      ...["--continue-on-failure", "--no-color"],
    ],
    { stdio: "inherit", cwd },
  );
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}
