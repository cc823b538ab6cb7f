// The oldest Node that Backwright runs on, and the refusal of one that is older: before anything
// that it cannot load.
import { StartError } from "../base/errors.ts";

const NODE_MIN = [22, 18] as const;

/** What is wrong with a Node of this version; undefined where nothing is. */
export function tooOld(version: string): { message: string; fix: string } | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return undefined;
  return { message: `${version} is older than ${NODE_MIN.join(".")}`, fix: "Install Node 24." };
}

/** Throws StartError on a Node that is too old. */
export function requireNode(version = process.versions.node): void {
  const found = tooOld(version);
  if (found === undefined) return;
  const fix = `${found.fix} From nodejs.org, or with nvm: nvm install 24`;
  throw new StartError(`Node ${found.message}: Backwright cannot run on it.`, { fix });
}
