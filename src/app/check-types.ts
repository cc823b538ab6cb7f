// The project's own type-checker, run beside development: Node runs TypeScript without looking at
// its types.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export class TypeCheck {
  readonly #directory: string;
  readonly #onResult: (errors: string) => void;
  #child: ChildProcess | undefined;

  /** `onResult` gets what tsc says: "" where all is well. */
  constructor(directory: string, onResult: (errors: string) => void) {
    this.#directory = directory;
    this.#onResult = onResult;
  }

  /** Checks anew; a check that is under way is given up. Nothing without tsconfig.json or tsc. */
  run(): void {
    this.stop();
    const tsc = this.#findCompiler();
    if (tsc === undefined) return;
    const args = [tsc, "--noEmit", "--pretty", "false", "-p", this.#directory];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
    this.#child = child;
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    child.once("error", () => undefined); // Types are a help; development goes on without.
    child.once("close", () => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#onResult(text.trim());
    });
  }

  stop(): void {
    const child = this.#child;
    this.#child = undefined;
    child?.kill();
  }

  #findCompiler(): string | undefined {
    if (!existsSync(join(this.#directory, "tsconfig.json"))) return undefined;
    try {
      const require = createRequire(join(this.#directory, "package.json"));
      return join(dirname(require.resolve("typescript/package.json")), "bin/tsc");
    } catch {
      return undefined;
    }
  }
}
