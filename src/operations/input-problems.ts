// A body that does not fit its schema, as the error that the caller sees: the same words for a
// field of a record, an item of a bulk request, an operation of a batch and the input of an action.
import type { z } from "zod";
import { BackwrightError, type ErrorDetail, notValid } from "../base/errors.ts";
import { allowedNames } from "../base/spelling.ts";
import { inputWords, NO_FORM, typeName } from "../model/input-words.ts";

// An issue is passed on without its schema, but with the same list of strange names.
const known = new WeakMap<readonly string[], readonly string[] | undefined>();

/** For `parse`: messages of ours wherever a schema has none. */
export const IN_OUR_WORDS = {
  error(issue: z.core.$ZodRawIssue): string {
    if (issue.code === "unrecognized_keys") known.set(issue.keys ?? [], memberNames(issue.inst));
    return inputWords(issue);
  },
};

function memberNames(schema: unknown): readonly string[] | undefined {
  const { shape } = (schema as { def?: { shape?: object } } | undefined)?.def ?? {};
  return shape && Object.keys(shape);
}

/** The problems of a body that was parsed IN_OUR_WORDS, each with its place: `lines[0].count`. */
export function invalidInput(error: z.ZodError): BackwrightError {
  return notValid(
    "VALIDATION_ERROR",
    error.issues.flatMap((issue) => detailsOf(issue, [])),
  );
}

type Path = readonly PropertyKey[];

function detailsOf(issue: z.core.$ZodIssue, before: Path): readonly ErrorDetail[] {
  const path = [...before, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    const allowed = known.get(issue.keys);
    return issue.keys.slice(0, STRANGE_NAMED_MAX).map((key) => strange([...path, key], allowed));
  }
  if (issue.code === "invalid_union" && issue.message === NO_FORM) return ofForms(issue, path);
  return [{ field: placeOf(path), message: issue.message }];
}

// LIMIT: a body may have 100,000 names, each of which is told what is allowed.
const STRANGE_NAMED_MAX = 20;

function strange(path: Path, allowed: readonly string[] | undefined): ErrorDetail {
  const others = allowed === undefined ? "" : `; ${allowedNames(String(path.at(-1)), allowed)}`;
  return { field: placeOf(path), message: `is not known here${others}` };
}

/** Of the one form whose type it has; else what the forms are. */
function ofForms(issue: z.core.$ZodIssueInvalidUnion, path: Path): readonly ErrorDetail[] {
  const isOther = ({ path: { length }, code }: z.core.$ZodIssue) =>
    length === 0 && (code === "invalid_type" || code === "invalid_value");
  const [only, ...more] = issue.errors.filter((form) => !form.some(isOther));
  if (only !== undefined && more.length === 0) return only.flatMap((one) => detailsOf(one, path));
  const forms = issue.errors.map((form) => {
    return form
      .flatMap((one) => detailsOf(one, []))
      .map(({ field, message }) => {
        return field === WHOLE ? message : `${field} ${message}`;
      });
  });
  const told = [...new Set(forms.map((form) => form.join(" and ")))].slice(0, FORMS_NAMED_MAX);
  return [{ field: placeOf(path), message: told.length === 0 ? NO_FORM : told.join("; or ") }];
}

const FORMS_NAMED_MAX = 5;

/** What an issue of the whole body is told of. */
const WHOLE = "body";
const NAME_LENGTH_MAX = 100;

function placeOf(path: Path): string {
  if (path.length === 0) return WHOLE;
  const steps = path.map((step, at) => {
    if (typeof step === "number") return `[${step}]`;
    const name = String(step).toWellFormed().slice(0, NAME_LENGTH_MAX);
    return at === 0 ? name : `.${name}`;
  });
  return steps.join("");
}

/** Throws VALIDATION_ERROR where it is no object. */
export function objectOf(given: unknown): Readonly<Record<string, unknown>> {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) {
    return given as Readonly<Record<string, unknown>>;
  }
  const message = `This must be a JSON object; got ${typeName(given)}.`;
  throw new BackwrightError("VALIDATION_ERROR", { message });
}

/** Throws VALIDATION_ERROR naming members that are not among the allowed ones. */
export function refuseUnknown(
  rest: Readonly<Record<string, unknown>>,
  allowed: readonly string[],
): void {
  const names = Object.keys(rest);
  if (names.length === 0) return;
  const named = names.slice(0, STRANGE_NAMED_MAX);
  throw notValid(
    "VALIDATION_ERROR",
    named.map((name) => strange([name], allowed)),
  );
}
