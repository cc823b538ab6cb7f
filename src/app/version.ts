// The version of this package.
import { readFileSync } from "node:fs";

/** Two folders up, in src/ as in dist/. */
export function backwrightVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
