// Statement texts by shape: the same question is compiled once and keeps its text, so that
// PostgreSQL keeps its plan. Least recently used shapes leave first.
import { SHAPES_MAX } from "../base/limits.ts";
import type { Statement } from "../sql/statement.ts";

export class Shapes {
  readonly #statements = new Map<string, Statement>();

  /** `key` must hold everything that changes the text. */
  get(key: string, compile: () => Statement): Statement {
    const known = this.#statements.get(key);
    if (known !== undefined) {
      this.#statements.delete(key);
      this.#statements.set(key, known);
      return known;
    }
    const made = compile();
    this.#statements.set(key, made);
    if (this.#statements.size > SHAPES_MAX) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) this.#statements.delete(oldest);
    }
    return made;
  }
}
