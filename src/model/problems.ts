// Collects everything that is wrong with a declaration, so that one start tells all of it.
import { StartError } from "../base/errors.ts";

interface Problem {
  readonly where: string;
  readonly message: string;
  readonly write: string | undefined;
}

export class Problems {
  readonly #found: Problem[] = [];

  get count(): number {
    return this.#found.length;
  }

  /** `where` is a path in the declaration; `write` is the code that mends it. */
  add(where: string, message: string, write?: string): void {
    this.#found.push({ where, message, write });
  }

  /** Throws one StartError that lists every problem; returns when there is none. */
  throwIfAny(name: string): void {
    if (this.#found.length === 0) return;
    const lines = this.#found.map(({ where, message, write }) => {
      const advice = write === undefined ? "" : `\n    write: ${write.replaceAll("\n", "\n    ")}`;
      return `  ${where}: ${message}${advice}`;
    });
    const count = this.#found.length === 1 ? "1 problem" : `${this.#found.length} problems`;
    throw new StartError(`Backend "${name}" has ${count}:\n${lines.join("\n")}`);
  }
}
