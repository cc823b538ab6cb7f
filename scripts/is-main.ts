// Lets one module be both a script that is started by name and a library that is imported.
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Runs `main` when the module with this import.meta.url is the program that Node was asked to run.
 * An error ends the process with its message and code 1.
 */
export async function runIfMain(moduleUrl: string, main: () => Promise<void>): Promise<void> {
  // Node's own flag for this, import.meta.main, is younger than the oldest Node that we run on.
  const program = process.argv[1];
  if (program === undefined || realpathSync(program) !== fileURLToPath(moduleUrl)) return;
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
