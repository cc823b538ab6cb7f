// What the doctor finds, one thing at a time.
import { StartError } from "../base/errors.ts";

export interface Finding {
  readonly about: string;
  readonly level: "ok" | "warning" | "failure";
  readonly message: string;
  readonly fix?: string;
}

export type Tell = (finding: Finding) => void;

export function ok(about: string, message: string): Finding {
  return { about, level: "ok", message };
}

/** What a step needs and does not find is a failure with the step's own words. */
export async function attempt<T>(
  about: string,
  tell: Tell,
  step: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const fix = error.fix === undefined ? {} : { fix: error.fix };
    tell({ about, level: "failure", message: error.message, ...fix });
    return undefined;
  }
}
