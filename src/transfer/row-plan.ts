// A mapping joined with the model: checked once, before the first record is read, and compiled into
// a function from a record's cells to the body of a create.
import { StartError } from "../base/errors.ts";
import { parseExactly } from "../base/exact-json.ts";
import { isNumber } from "../base/exact-number.ts";
import { type FieldModel, type Model, type ResourceModel, uniqueKeys } from "../model/model.ts";
import { checkedMapping } from "./check-mapping.ts";
import { didYouMean } from "./did-you-mean.ts";
import {
  type Cells,
  compileExpression,
  type Evaluate,
  quoted,
  textOf,
  ValueProblem,
} from "./evaluate.ts";
import { columnsOf, type Expression, isLookUp, type LookUp, type Mapping } from "./mapping.ts";
import type { FileShape, Format } from "./read-records.ts";

export interface Problem {
  readonly field: string;
  readonly message: string;
}

/** How records of another resource are found, and made where they are missing. */
export interface LookUpPlan {
  /** The field that takes the id. */
  readonly field: FieldModel;
  readonly target: ResourceModel;
  readonly by: readonly FieldModel[];
  readonly ignoreCase: boolean;
  readonly creates: boolean;
  /** Whether it looks among the records that the import writes. */
  readonly isOfItself: boolean;
  readonly required: boolean;
  /** All values of a record that is created, those of `by` among them. */
  readonly values: ReadonlyMap<FieldModel, Evaluate>;
}

export interface RowPlan {
  readonly resource: ResourceModel;
  readonly whenPresent: Mapping["whenPresent"];
  /** The fields of the key that makes a repeat safe; empty where there is none. */
  readonly key: readonly FieldModel[];
  readonly lookUps: readonly LookUpPlan[];
  readonly file: FileShape;
  isSkipped(cells: Cells): boolean;
  /** The body without what look-ups will bring. Pushes what is wrong. */
  bodyOf(cells: Cells, problems: Problem[]): Record<string, unknown>;
}

/** Throws StartError naming what is wrong in the mapping. */
export function compileMapping(
  json: unknown,
  model: Model,
  name: string,
  format: Format = "csv",
): RowPlan {
  const resource = resourceOf(model, name);
  const mapping = checkedMapping(json);
  const { delimiter, exact } = mapping;
  const isTyped = exact && format !== "csv";
  const values = new Map<FieldModel, Evaluate>();
  const lookUps: LookUpPlan[] = [];
  for (const [fieldName, source] of Object.entries(mapping.fields)) {
    const field = writableField(resource, fieldName, mapping);
    if (isLookUp(source)) lookUps.push(compileLookUp(resource, field, source, mapping, model));
    else values.set(field, compileExpression(source, mapping));
  }
  const skips = mapping.skip.map((rule) => {
    const evaluate = compileExpression(rule.value, mapping);
    return (cells: Cells): boolean => {
      const value = evaluate(cells);
      return "in" in rule ? rule.in.includes(textOf(value)) : value === undefined;
    };
  });
  return {
    resource,
    whenPresent: mapping.whenPresent,
    key: keyOf(mapping, resource),
    lookUps,
    file: { columns: columnsOf(mapping), delimiter, exact },
    isSkipped: (cells) => skips.some((isSkipped) => isSkipped(cells)),
    bodyOf: (cells, problems) => bodyOf(values, cells, problems, isTyped),
  };
}

/**
 * What the record has; a field without a value is left out. `isTyped`: texts of the file are texts,
 * for it has other values as well.
 */
export function bodyOf(
  values: ReadonlyMap<FieldModel, Evaluate>,
  cells: Cells,
  problems: Problem[],
  isTyped = false,
): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [field, evaluate] of values) {
    try {
      const value = evaluate(cells);
      if (value !== undefined)
        body[field.name] = isTyped ? typedValue(field, value) : jsonValue(field, value);
    } catch (error) {
      if (!(error instanceof ValueProblem)) throw error;
      problems.push({ field: field.name, message: error.message });
    }
  }
  return body;
}

/**
 * The key of a body as PostgreSQL reads it. Undefined: one value is none, which would have all that
 * is asked together refused. Pushes what is wrong.
 */
export function keyTexts(
  key: readonly FieldModel[],
  body: Readonly<Record<string, unknown>>,
  problems: Problem[],
): readonly string[] | undefined {
  const texts: string[] = [];
  for (const { name, type } of key) {
    const given = textOf(body[name]);
    const text = type?.parse(given);
    if (text !== undefined) texts.push(text);
    else {
      const [issue] = type?.schema.safeParse(body[name]).error?.issues ?? [];
      const wanted = issue?.message ?? `must be like ${type?.example}`;
      problems.push({ field: name, message: `is ${quoted(given)}; it ${wanted}` });
    }
  }
  return texts.length === key.length ? texts : undefined;
}

const NUMBERS = new Set(["smallint", "integer", "real", "double precision"]);
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
/** Types whose numbers are strings in JSON. */
const EXACT_NUMBERS = new Set(["bigint", "numeric"]);

function typedValue({ type }: FieldModel, value: unknown): unknown {
  const isExact = EXACT_NUMBERS.has(type?.sql ?? "") && isNumber(value);
  return isExact ? decimalText(textOf(value)) : value;
}

/** A cell as the JSON value that the field takes; what does not fit is refused later. */
function jsonValue(field: FieldModel, value: unknown): unknown {
  const sql = field.type?.sql ?? "";
  if (typeof value !== "string") return typedValue(field, value);
  if (NUMBERS.has(sql)) return DECIMAL.test(value) ? Number(value) : value;
  if (sql === "boolean") return value === "true" || (value === "false" ? false : value);
  const isJson = sql === "json" || sql === "jsonb";
  // Lists and points are JSON in their cell; a range begins like one.
  const isList = /^[[{]/.test(value) && field.type?.schema.safeParse(value).success === false;
  if (!isJson && !isList) return value;
  try {
    return parseExactly(value);
  } catch {
    if (isList) return value;
    throw new ValueProblem("is not JSON");
  }
}

/** `1e-7` is 0.0000001: JavaScript writes small and large numbers so. */
function decimalText(text: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d+))?e([+-]?\d{1,3})$/i.exec(text);
  if (parts === null) return text;
  const [, sign, whole = "", decimals = "", exponent] = parts;
  const point = whole.length + Number(exponent);
  const before = "0".repeat(Math.max(0, 1 - point));
  const digits = `${before}${whole}${decimals}`.padEnd(point, "0");
  const at = point + before.length;
  return `${sign}${digits.slice(0, at)}${at < digits.length ? `.${digits.slice(at)}` : ""}`;
}

/** By its name or its path. Throws StartError naming what there is. */
export function resourceOf(model: Model, name: string, place = ""): ResourceModel {
  const all = [...model.resources.values()];
  const found = all.find((one) => one.name === name || one.path === name);
  if (found !== undefined) return found;
  const known = all.map(({ path }) => path);
  const meant = didYouMean(name, known);
  throw new StartError(`${place}There is no resource "${name}".${meant}`, {
    fix: `One of: ${known.join(", ")}`,
  });
}

/** `place` is one in the mapping. */
function servedField(resource: ResourceModel, name: string, place: string): FieldModel {
  const field = resource.served.find((one) => one.name === name);
  if (field !== undefined) return field;
  const known = resource.served.map((one) => one.name);
  const meant = didYouMean(name, known);
  throw new StartError(
    `The mapping, at ${place}: ${resource.path} has no field "${name}".${meant}`,
    { fix: `One of: ${known.join(", ")}` },
  );
}

/** As above, but not one that Backwright writes, unless records are known again by it. */
function writableField(resource: ResourceModel, name: string, { key = [] }: Mapping): FieldModel {
  const field = servedField(resource, name, `fields.${name}`);
  const grants = [...resource.access.values()];
  const isGiven = grants.some(({ create }) => create?.fields.includes(field) === true);
  if (!field.managed || isGiven || [key].flat().includes(name)) return field;
  throw new StartError(
    `The mapping, at fields.${name}: it gives "${name}", which Backwright writes by itself.`,
    { fix: "Leave it out." },
  );
}

function compileLookUp(
  resource: ResourceModel,
  field: FieldModel,
  source: LookUp,
  mapping: Mapping,
  model: Model,
): LookUpPlan {
  const at = `fields.${field.name}`;
  const target = resourceOf(model, source.find, `The mapping, at ${at}.find: `);
  const by = Object.keys(source.by).map((name) => servedField(target, name, `${at}.by.${name}`));
  const ignoreCase = source.ignoreCase === true;
  const isOfItself = target === resource;
  if (ignoreCase && (by.length !== 1 || isOfItself)) {
    throw new StartError(
      `The mapping, at ${at}.ignoreCase: it goes with one field in "by", of another resource.`,
      { fix: "Leave it out: then names are compared as they are spelled." },
    );
  }
  if (!ignoreCase) requireUnique(target, by, `${at}.by`);
  const { create } = source;
  const values = new Map<FieldModel, Evaluate>();
  const given = (some: Readonly<Record<string, Expression>>, place: string): void => {
    for (const [name, expression] of Object.entries(some)) {
      values.set(
        servedField(target, name, `${place}.${name}`),
        compileExpression(expression, mapping),
      );
    }
  };
  given(typeof create === "object" ? create : {}, `${at}.create`);
  given(source.by, `${at}.by`);
  const required = source.required === true;
  const creates = create !== undefined;
  return { field, target, by, ignoreCase, creates, isOfItself, required, values };
}

function keyOf({ key = [], fields }: Mapping, resource: ResourceModel): readonly FieldModel[] {
  const names = typeof key === "string" ? [key] : key;
  const found = names.map((name) => servedField(resource, name, "key"));
  if (found.length > 0) requireUnique(resource, found, "key");
  const absent = found.find(({ name }) => fields[name] === undefined);
  if (absent === undefined) return found;
  throw new StartError(`The mapping, at key: "${absent.name}" is not among its fields.`, {
    fix: `Add fields.${absent.name}: the column that holds it, or take it out of "key".`,
  });
}

function requireUnique(resource: ResourceModel, fields: readonly FieldModel[], at: string): void {
  const names = (some: readonly FieldModel[]): string =>
    some
      .map(({ name }) => name)
      .sort()
      .join(" + ");
  const keys = uniqueKeys(resource.table);
  if (keys.some((key) => names(key) === names(fields))) return;
  const known = keys.map((key) => key.map(({ name }) => name).join(" + ")).join("; ");
  throw new StartError(
    `The mapping, at ${at}: ${names(fields)} is not unique in ${resource.path}.`,
    { fix: known === "" ? "Add a unique key to the table." : `One of: ${known}` },
  );
}
