// What a process holds in memory, read from outside of it, and how that went over a run.
import { readFileSync } from "node:fs";

/** VmRSS: all that is resident; RssAnon: without what is shared or of files. 0: it is gone. */
export function memoryMb(pid: number, what: "VmRSS" | "RssAnon"): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    return Number(new RegExp(`^${what}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}

/** The highest of each tenth. */
export function peaks(samples: readonly number[]): readonly number[] {
  const each = Math.max(1, Math.ceil(samples.length / 10));
  const found: number[] = [];
  for (let at = 0; at < samples.length; at += each) {
    found.push(Math.round(Math.max(...samples.slice(at, at + each))));
  }
  return found;
}
