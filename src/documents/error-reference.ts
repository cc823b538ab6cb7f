// The error reference: every code with its status and what to do about it.
import { ERROR_CATALOGUE } from "../base/errors.ts";
import { code, page, table } from "./markdown.ts";

const SHAPE = `\`\`\`json
{
  "error": {
    "code": "VALIDATION_ERROR",
    "message": "The request body is not valid.",
    "details": [{ "field": "title", "message": "is required" }]
  }
}
\`\`\``;

const INTRODUCTION =
  "Every failure has a code, which programs may rely on. The message is for people and may " +
  "change. `details` names the fields or parameters that are wrong.";

export const errorReferencePage = (): string => page("# Errors", ...errorReference(INTRODUCTION));

/** The parts of the page below its title. */
export function errorReference(introduction: string): readonly string[] {
  const rows = Object.entries(ERROR_CATALOGUE).map(([name, { status, message, advice }]) => [
    code(name),
    String(status),
    message,
    advice,
  ]);
  return [introduction, SHAPE, table(["code", "status", "meaning", "what to do"], rows)];
}
