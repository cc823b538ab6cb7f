// `backwright doctor` and `backwright version`.
import { examine } from "../app/doctor.ts";
import type { Finding } from "../app/finding.ts";
import { backwrightVersion } from "../app/version.ts";
import { print, printJson, progress, styled, tableText } from "./output.ts";

const MARKS = {
  ok: styled("green", "✓"),
  warning: styled("yellow", "!"),
  failure: styled("red", "✗"),
} as const;

const ABOUT_WIDTH = 11;

export function printVersions(json: boolean): void {
  const versions = {
    backwright: backwrightVersion(),
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
  };
  if (json) printJson(versions);
  else print(tableText(Object.entries(versions)));
}

/** Ends with 1 where something is found that keeps the backend from serving. */
export async function runDoctor(folder: string, json: boolean): Promise<void> {
  const findings: Finding[] = [];
  const tell = (finding: Finding): void => {
    findings.push(finding);
    if (!json) print(findingText(finding));
  };
  await examine(folder, process.env, tell, progress);
  if (json) printJson(findings);
  if (findings.some(({ level }) => level === "failure")) process.exitCode = 1;
}

function findingText({ about, level, message, fix }: Finding): string {
  const further = `\n  ${" ".repeat(ABOUT_WIDTH)} `;
  const lines = fix === undefined ? message : `${message}\nfix: ${fix}`;
  return `${MARKS[level]} ${about.padEnd(ABOUT_WIDTH)} ${lines.replaceAll("\n", further)}`;
}
