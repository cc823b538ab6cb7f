// Turns of long reads: how many run at once, and that those of one tenant hold up no other's.
import { DatabaseFailure } from "./failures.ts";

// LIMIT: one tenant may wait with half of all that wait, so a second one always finds room.
const WAITING_MAX = 32;
const TENANT_WAITING_MAX = WAITING_MAX / 2;

interface Waiting {
  readonly tenant: string;
  readonly start: () => void;
  readonly giveUp: NodeJS.Timeout;
}

export class Turns {
  readonly #most: number;
  readonly #waitMs: number;
  readonly #held = new Map<string, number>();
  readonly #waiting: Waiting[] = [];
  #running = 0;

  /** At least one turn, whatever `most` is; who waits longer than `waitMs` is refused. */
  constructor(most: number, waitMs: number) {
    this.#most = Math.max(1, most);
    this.#waitMs = waitMs;
  }

  /** Runs `work` when its turn comes. Rejects with what it threw, or as unavailable. */
  async take<T>(tenant: string, work: () => Promise<T>): Promise<T> {
    if (this.#mayStart(tenant)) this.#hold(tenant);
    else await this.#wait(tenant);
    try {
      return await work();
    } finally {
      this.#release(tenant);
    }
  }

  #mayStart(tenant: string): boolean {
    return this.#running < this.#most && (this.#held.get(tenant) ?? 0) < this.#shareOf(tenant);
  }

  /** Half, or all but one while nobody else is there: that one is for whoever comes next. */
  #shareOf(tenant: string): number {
    const isAlone =
      [...this.#held.keys()].every((one) => one === tenant) &&
      this.#waiting.every((one) => one.tenant === tenant);
    return Math.max(1, isAlone ? this.#most - 1 : Math.floor(this.#most / 2));
  }

  #hold(tenant: string): void {
    this.#running += 1;
    this.#held.set(tenant, (this.#held.get(tenant) ?? 0) + 1);
  }

  #wait(tenant: string): Promise<void> {
    const own = this.#waiting.filter((one) => one.tenant === tenant).length;
    if (own >= TENANT_WAITING_MAX || this.#waiting.length >= WAITING_MAX) {
      const message = "too many long reads are waiting";
      return Promise.reject(new DatabaseFailure("unavailable", message));
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        tenant,
        start: resolve,
        giveUp: setTimeout(() => {
          this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
          reject(new DatabaseFailure("unavailable", "no turn for a long read came in time"));
        }, this.#waitMs),
      };
      this.#waiting.push(waiting);
    });
  }

  /** Turns go to whoever has waited longest among those whose tenant may have one more. */
  #release(tenant: string): void {
    this.#running -= 1;
    const left = (this.#held.get(tenant) ?? 1) - 1;
    if (left === 0) this.#held.delete(tenant);
    else this.#held.set(tenant, left);
    // More than one may start: those who are alone now have more turns than before.
    for (;;) {
      const at = this.#waiting.findIndex((one) => this.#mayStart(one.tenant));
      const [next] = at === -1 ? [] : this.#waiting.splice(at, 1);
      if (next === undefined) return;
      clearTimeout(next.giveUp);
      this.#hold(next.tenant);
      next.start();
    }
  }
}
