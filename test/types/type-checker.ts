// Runs the TypeScript compiler on a project and reads what it says.
import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const REPOSITORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const TSC = join(REPOSITORY, "node_modules/typescript/bin/tsc");

export interface Message {
  /** Relative to the repository, with forward slashes. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly code: string;
  readonly lines: readonly string[];
}

function run(flags: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: REPOSITORY, maxBuffer: 16 * 1024 * 1024 };
    execFile(process.execPath, [TSC, "--noEmit", ...flags], options, (error, stdout, stderr) => {
      // Exit codes 1 and 2 mean messages; anything else means that the compiler did not run.
      if (error !== null && error.code !== 1 && error.code !== 2) reject(error);
      else if (stderr !== "") reject(new Error(stderr));
      else resolve(stdout);
    });
  });
}

/** The messages for a project, sorted by place. Throws for a message that has no place. */
export async function typeCheck(project: string): Promise<readonly Message[]> {
  const messages: (Message & { lines: string[] })[] = [];
  for (const text of (await run(["--pretty", "false", "-p", project])).split(/\r?\n/)) {
    if (text === "") continue;
    const head = /^(.+)\((\d+),(\d+)\): error (TS\d+): (.*)$/.exec(text);
    if (head !== null) {
      const [, file = "", line, column, code = "", first = ""] = head;
      const place = { line: Number(line), column: Number(column) };
      messages.push({ file: file.replaceAll("\\", "/"), ...place, code, lines: [first] });
    } else if (text.startsWith(" ")) messages.at(-1)?.lines.push(text.trim());
    else throw new Error(`Unexpected output of the compiler: ${text}`);
  }
  return messages.sort((a, b) => a.file.localeCompare(b.file, "en") || a.line - b.line);
}

/** The compiler's own figures for a project that must have no errors. */
export async function typeCheckFigures(project: string): Promise<ReadonlyMap<string, string>> {
  const output = await run(["--pretty", "false", "--extendedDiagnostics", "-p", project]);
  const errors = output.split(/\r?\n/).filter((line) => line.includes("error TS"));
  if (errors.length > 0) throw new Error(errors.slice(0, 5).join("\n"));
  return new Map(
    [...output.matchAll(/^([A-Z][A-Za-z \-/]+):\s+(\S+)$/gm)].map(([, key = "", value = ""]) => [
      key,
      value,
    ]),
  );
}
