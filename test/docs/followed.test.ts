// Every page with commands, followed as its reader would: what it says to type works, in its order,
// on the real program, and each request is answered with the status that the page leads to expect.
// Planted: 201 for 200 in the tour's `answers`, another count in its ```text output, a misspelt
// field in the TypeScript of reports.md: red each time.
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { blocksOf } from "../../scripts/markdown.ts";
import { readRepositoryFile, repositoryFiles } from "../../scripts/repository-files.ts";
import { expectedOf, followPage } from "./follow-page.ts";

/** Pages whose commands are not typed here, and what proves them instead. */
const PROVED_ELSEWHERE: Readonly<Record<string, string>> = {
  "README.md": "its commands install and start the repository: .ci/run on a fresh clone",
  "CONTRIBUTING.md": "its commands are the tasks of the repository",
};

const pages = repositoryFiles().filter((path) => {
  if (!path.endsWith(".md") || path.includes("/templates/") || path in PROVED_ELSEWHERE)
    return false;
  return blocksOf(readRepositoryFile(path)).some(({ language }) => ["sh", "ts"].includes(language));
});

/** The first part of what ```text output shows that the terminal did not; … stands for anything. */
function missingFrom(output: string, shown: string): string | undefined {
  let from = 0;
  return shown
    .trim()
    .split("…")
    .find((part) => {
      const at = output.indexOf(part, from);
      from = at + part.length;
      return at < 0;
    });
}

const missing = ["bash", "curl", "jq"].filter((name) => {
  return spawnSync(name, ["--version"]).status !== 0;
});
const isSkipped = missing.length > 0 && process.env.CI !== "true";
const skipped = `skipped without ${missing.join(", ")}: apt-get install ${missing.join(" ")}`;

describe.skipIf(isSkipped)(isSkipped ? skipped : "followed to the letter", () => {
  test.each(pages)("%s works as it is written", { timeout: 120_000 }, async (path) => {
    const page = readRepositoryFile(path);
    const { stoppedAt, statuses, output } = await followPage(path);
    expect(stoppedAt).toBeUndefined();
    for (const block of blocksOf(page)) {
      const isShown = block.flags.includes("output");
      if (isShown) expect(missingFrom(output, block.code), output.slice(-2000)).toBeUndefined();
      const came = statuses.get(block.line) ?? [];
      const expected = expectedOf(page, block).statuses;
      const at = `${path}:${block.line}\n${output.slice(-2000)}`;
      if (expected !== undefined) expect(came, at).toEqual(expected);
      else
        expect(
          came.filter((status) => status >= 300),
          at,
        ).toEqual([]);
    }
  });
});
