// The runner's side of the load generator.
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { PreparedRequest } from "./requests.ts";

export type LoadOrder =
  | { readonly kind: "requests"; readonly requests: readonly PreparedRequest[] }
  | {
      readonly kind: "run";
      readonly port: number;
      readonly connections: number;
      /** Asked, answered and not counted. */
      readonly rampSeconds: number;
      readonly seconds: number;
    };

/** What one contestant did in one turn. Times in milliseconds. */
export interface LoadReport {
  /** Answered within the counted seconds. */
  readonly requests: number;
  /** Answered at all: with the ramp and what was in flight at the end. */
  readonly answers: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** Headers and body. */
  readonly bytesPerReply: number;
  readonly generatorMicrosPerRequest: number;
}

interface Answer {
  readonly report?: LoadReport;
  readonly failure?: string;
}

export class LoadGenerator {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(join(import.meta.dirname, "generator.ts"), { serialization: "advanced" });
  }

  /** Gives the requests that every later turn cycles through. */
  async use(requests: readonly PreparedRequest[]): Promise<void> {
    await this.#order({ kind: "requests", requests });
  }

  /** Throws with the first reply that is not a success: such a run measures nothing. */
  async run(order: Omit<Extract<LoadOrder, { kind: "run" }>, "kind">): Promise<LoadReport> {
    const report = await this.#order({ kind: "run", ...order });
    if (report === undefined) throw new Error("The load generator gave no report.");
    return report;
  }

  close(): void {
    this.#child.disconnect();
  }

  #order(order: LoadOrder): Promise<LoadReport | undefined> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error("The load generator ended."));
      this.#child.once("exit", ended);
      this.#child.once("message", (answer: Answer) => {
        this.#child.off("exit", ended);
        if (answer.failure === undefined) resolve(answer.report);
        else reject(new Error(answer.failure));
      });
      this.#child.send(order);
    });
  }
}
