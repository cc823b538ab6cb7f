// Where and from which commit a result comes.
import { execFileSync } from "node:child_process";
import { cpus, platform, release, totalmem } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

export interface Machine {
  readonly commit: string;
  /** Whether the sources differed from the commit. */
  readonly changed: boolean;
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly kernel: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    commit: git("rev-parse", "--short", "HEAD"),
    changed: git("status", "--porcelain", "--", "src", "examples", "bench") !== "",
    date: new Date().toISOString(),
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    kernel: `${platform()} ${release()}`,
    node: process.version,
  };
}

function git(...args: readonly string[]): string {
  try {
    const flags = ["-c", `safe.directory=${ROOT}`, ...args];
    return execFileSync("git", flags, { cwd: ROOT, encoding: "utf8" }).trim();
  } catch {
    return "unknown";
  }
}
