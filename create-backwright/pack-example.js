// The work-orders preset is the example of the repository: `npm pack` takes a copy of it along.
import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { LEFT_OUT } from "./write-project.js";

const source = join(import.meta.dirname, "../examples/work-orders");
const target = join(import.meta.dirname, "templates/work-orders");

rmSync(target, { recursive: true, force: true });
if (!process.argv.includes("--remove")) {
  for (const entry of readdirSync(source)) {
    if (!LEFT_OUT.test(entry))
      cpSync(join(source, entry), join(target, entry), { recursive: true });
  }
}
