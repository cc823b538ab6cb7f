// `backwright doctor`.
import { examine, type Finding } from "../app/doctor.ts";
import { print, printJson, progress, styled } from "./output.ts";

const MARKS = {
  ok: styled("green", "✓"),
  warning: styled("yellow", "!"),
  failure: styled("red", "✗"),
} as const;

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
  const line = `${MARKS[level]} ${about.padEnd(11)} ${message}`;
  return fix === undefined ? line : `${line}\n  ${" ".repeat(11)} fix: ${fix}`;
}
