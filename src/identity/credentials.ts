// What is believed about credentials: living keys and unknown ones apart, so that a flood of keys
// that nobody has pushes out no living one; and how many look-ups of new keys run at once, so that
// such a flood leaves the database to those who are known.
import type { Actor } from "../access/actor.ts";
import { BackwrightError } from "../base/errors.ts";
import {
  CREDENTIAL_CACHE_ENTRIES,
  CREDENTIAL_LOOK_UPS_MAX,
  CREDENTIAL_LOOK_UPS_WAITING_MAX,
} from "../base/limits.ts";

export interface Credential {
  /** Null: there is no such key. */
  readonly actor: Promise<Actor | null>;
  readonly madeMs: number;
  /** A newer look-up is under way. */
  isRefreshing: boolean;
}

export class Credentials {
  readonly #living = new Map<string, Credential>();
  /** Unknown ones, and those that are being looked up for the first time. */
  readonly #others = new Map<string, Credential>();

  get(keyHash: string): Credential | undefined {
    return this.#living.get(keyHash) ?? this.#others.get(keyHash);
  }

  /** Whether the key was living when it was last looked up. */
  isKnown(keyHash: string): boolean {
    return this.#living.has(keyHash);
  }

  keep(keyHash: string, credential: Credential, isLiving: boolean): void {
    this.#living.delete(keyHash);
    this.#others.delete(keyHash);
    const kept = isLiving ? this.#living : this.#others;
    kept.set(keyHash, credential);
    if (kept.size <= CREDENTIAL_CACHE_ENTRIES) return;
    const [oldest] = kept.keys();
    if (oldest !== undefined) kept.delete(oldest);
  }

  forget(keyHash: string, credential: Credential): void {
    for (const kept of [this.#living, this.#others]) {
      if (kept.get(keyHash) === credential) kept.delete(keyHash);
    }
  }
}

/** Lets some look-ups run at once and others wait their turn. */
export class LookUpGate {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** Throws UNAVAILABLE when too many wait. */
  async pass<T>(lookUp: () => Promise<T>): Promise<T> {
    if (this.#running >= CREDENTIAL_LOOK_UPS_MAX) {
      if (this.#waiting.length >= CREDENTIAL_LOOK_UPS_WAITING_MAX) {
        throw new BackwrightError("UNAVAILABLE", { retryAfterSeconds: 1 });
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await lookUp();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
