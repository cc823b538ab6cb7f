// The expressions of a mapping as functions from a record's cells to a value. Compiled once, for a
// file may have a million records. A problem is a sentence about a value.
import { dayReader, localTimeReader } from "./local-time.ts";
import type { Expression, Mapping, Modifiers } from "./mapping.ts";

/** The values of one record by the names of its columns; text where the file is CSV. */
export type Cells = Readonly<Record<string, unknown>>;

/** Undefined: empty. Anything but text comes from files with types of their own. */
export type Evaluate = (cells: Cells) => unknown;

/** Thrown for a value that cannot be taken; the message goes after the name of the field. */
export class ValueProblem extends Error {}

type Context = Pick<Mapping, "empty" | "exact" | "squeeze" | "timeZone">;

/** Names that differ in case and spaces only are one name. */
export function folded(text: string): string {
  return text.trim().replace(/\s+/g, " ").toLowerCase();
}

/** Of a mapping that was checked. The function throws ValueProblem. */
export function compileExpression(source: Expression, context: Context): Evaluate {
  if (typeof source === "string") return compileColumn(source, context);
  const raw = compileSource(source, context);
  const modify = compileModifiers(source, context);
  const when = source.when === undefined ? undefined : compileExpression(source.when, context);
  return (cells) => {
    const isWanted = when === undefined || when(cells) !== undefined;
    const given = isWanted ? raw(cells) : undefined;
    const value = (typeof given === "string" ? modify(given) : given) ?? source.default;
    if (value === undefined && source.required === true) throw new ValueProblem("is missing");
    return value;
  };
}

function compileColumn(column: string, { empty, exact, squeeze }: Context): Evaluate {
  const nothing = new Set(empty.map(folded));
  const isNothing = (text: string): boolean => nothing.size > 0 && nothing.has(folded(text));
  return (cells) => {
    const value = cells[column];
    if (value === undefined || (value === null && !exact)) return undefined;
    if (typeof value !== "string") return value;
    const trimmed = exact ? value : value.trim();
    const text = squeeze ? trimmed.replace(/\s+/g, " ") : trimmed;
    return (text === "" && !exact) || isNothing(text) ? undefined : text;
  };
}

function compileSource(source: Exclude<Expression, string>, context: Context): Evaluate {
  if ("column" in source) return compileColumn(source.column, context);
  if ("value" in source) return () => source.value;
  if ("first" in source) {
    const all = source.first.map((one) => compileExpression(one, context));
    return (cells) => {
      for (const evaluate of all) {
        const value = evaluate(cells);
        if (value !== undefined) return value;
      }
      return undefined;
    };
  }
  const all = source.join.map((one) => compileExpression(one, context));
  return (cells) => {
    const given = all.map((evaluate) => evaluate(cells)).filter((value) => value !== undefined);
    const texts = source.distinct === true ? distinct(given.map(textOf)) : given.map(textOf);
    if (source.sort === true) texts.sort();
    return texts.length === 0 ? undefined : texts.join(source.with ?? " ");
  };
}

/** A number with the digits that were written. */
export function textOf(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** The first spelling of each. */
function distinct(texts: readonly string[]): string[] {
  const seen = new Map<string, string>();
  for (const text of texts) {
    if (!seen.has(folded(text))) seen.set(folded(text), text);
  }
  return [...seen.values()];
}

function compileModifiers(modifiers: Modifiers, context: Context): (text: string) => unknown {
  const { upper, lower, values, match, time, date, decimal, separator } = modifiers;
  const { prefix = "", suffix = "" } = modifiers;
  const zone = modifiers.timeZone ?? context.timeZone;
  const pattern = match === undefined ? undefined : new RegExp(`^(?:${match})$`, "u");
  const readTime = time === undefined ? undefined : localTimeReader(time, zone);
  const readDay = date === undefined ? undefined : dayReader(date);
  const translate = values === undefined ? undefined : compileTranslation(values);
  return (given) => {
    let text = given;
    if (pattern?.test(text) === false) {
      throw new ValueProblem(`is ${quoted(text)}, which does not look like ${match}`);
    }
    if (translate !== undefined) text = translate(text);
    if (upper === true) text = text.toUpperCase();
    if (lower === true) text = text.toLowerCase();
    if (decimal !== undefined) text = text.replaceAll(".", "").replace(",", ".");
    if (readTime !== undefined) {
      const instant = readTime(text);
      if (instant === undefined) throw new ValueProblem(`is ${quoted(text)}, no time like ${time}`);
      text = instant;
    }
    if (readDay !== undefined) {
      const day = readDay(text);
      if (day === undefined) throw new ValueProblem(`is ${quoted(text)}, no day like ${date}`);
      text = day;
    }
    text = prefix + text + suffix;
    return separator === undefined ? text : text.split(separator).map((part) => part.trim());
  };
}

function compileTranslation(values: Readonly<Record<string, string>>): (text: string) => string {
  const wanted = new Map(Object.entries(values).map(([given, value]) => [folded(given), value]));
  return (text) => {
    const found = wanted.get(folded(text));
    if (found !== undefined) return found;
    throw new ValueProblem(`is ${quoted(text)}, none of ${Object.keys(values).join(", ")}`);
  };
}

/** A value in a message, shortened. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
