// What was compiled for a shape: the same question is compiled once and its statement keeps its
// text, so that PostgreSQL keeps its plan. Shapes that nobody asks for any more leave.
import { SHAPES_MAX } from "../base/limits.ts";

export class Shapes {
  // Two generations: moving every shape that is asked for to the young end of one map would cost
  // more than the look-up.
  #young = new Map<string, unknown>();
  #old = new Map<string, unknown>();

  /** `key` must hold everything that changes the outcome, and its kind. */
  get<T>(key: string, compile: () => T): T {
    const young = this.#young.get(key);
    if (young !== undefined) return young as T;
    const made = (this.#old.get(key) as T | undefined) ?? compile();
    this.#young.set(key, made);
    if (this.#young.size > SHAPES_MAX / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    return made;
  }
}
