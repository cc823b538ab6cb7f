// Whether a script was started by name or only imported. Node's own flag for this is too young.
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** True when the module with this import.meta.url is the program that Node was asked to run. */
export function isMain(moduleUrl: string): boolean {
  const program = process.argv[1];
  return program !== undefined && realpathSync(program) === fileURLToPath(moduleUrl);
}
