// A mapping joined with the model: checked once, before the first record is read, and compiled into
// a function from a record's cells to the body of a create.
import { StartError } from "../base/errors.ts";
import { isNumber } from "../base/exact-number.ts";
import { type FieldModel, type Model, type ResourceModel, uniqueKeys } from "../model/model.ts";
import { IN_OUR_WORDS, invalidInput } from "../operations/input-problems.ts";
import { type Cells, compileExpression, type Evaluate, textOf, ValueProblem } from "./evaluate.ts";
import {
  columnsOf,
  type Expression,
  isLookUp,
  type LookUp,
  MAPPING,
  type Mapping,
} from "./mapping.ts";

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
  /** What the mapping reads of a file. */
  readonly columns: ReadonlySet<string>;
  isSkipped(cells: Cells): boolean;
  /** The body without what look-ups will bring. Pushes what is wrong. */
  bodyOf(cells: Cells, problems: Problem[]): Record<string, unknown>;
}

/** Throws StartError naming what is wrong in the mapping. */
export function compileMapping(json: unknown, model: Model, name: string): RowPlan {
  const resource = resourceOf(model, name);
  const parsed = MAPPING.safeParse(json, IN_OUR_WORDS);
  if (!parsed.success) {
    const [detail] = invalidInput(parsed.error).details;
    throw new StartError(`The mapping is not valid: ${detail?.field} ${detail?.message}.`);
  }
  const mapping = parsed.data;
  const values = new Map<FieldModel, Evaluate>();
  const lookUps: LookUpPlan[] = [];
  for (const [fieldName, source] of Object.entries(mapping.fields)) {
    const field = writableField(resource, fieldName, mapping);
    if (isLookUp(source)) lookUps.push(compileLookUp(field, source, mapping, model));
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
    columns: columnsOf(mapping),
    isSkipped: (cells) => skips.some((isSkipped) => isSkipped(cells)),
    bodyOf: (cells, problems) => bodyOf(values, cells, problems),
  };
}

/** What the record has; a field without a value is left out. */
export function bodyOf(
  values: ReadonlyMap<FieldModel, Evaluate>,
  cells: Cells,
  problems: Problem[],
): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [field, evaluate] of values) {
    try {
      const value = evaluate(cells);
      if (value !== undefined) body[field.name] = jsonValue(field, value);
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
    const text = type?.parse(textOf(body[name]));
    if (text === undefined) problems.push({ field: name, message: "is not valid" });
    else texts.push(text);
  }
  return texts.length === key.length ? texts : undefined;
}

const NUMBERS = new Set(["smallint", "integer", "real", "double precision"]);
/** Types whose numbers are strings in JSON. */
const EXACT_NUMBERS = new Set(["bigint", "numeric"]);

/** A cell as the JSON value that the field takes; what does not fit is refused later. */
function jsonValue(field: FieldModel, value: unknown): unknown {
  const sql = field.type?.sql ?? "";
  if (EXACT_NUMBERS.has(sql) && isNumber(value)) return decimalText(textOf(value));
  if (typeof value !== "string") return value;
  if (NUMBERS.has(sql)) return /^[+-]?[\d.]+(e[+-]?\d+)?$/i.test(value) ? Number(value) : value;
  if (sql === "boolean") return value === "true" || (value === "false" ? false : value);
  if (sql !== "json" && sql !== "jsonb") return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
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
export function resourceOf(model: Model, name: string): ResourceModel {
  const all = [...model.resources.values()];
  const found = all.find((one) => one.name === name || one.path === name);
  if (found !== undefined) return found;
  const known = all.map(({ path }) => path).join(", ");
  throw new StartError(`There is no resource "${name}".`, { fix: `One of: ${known}` });
}

function servedField(resource: ResourceModel, name: string): FieldModel {
  const field = resource.served.find((one) => one.name === name);
  if (field !== undefined) return field;
  const known = resource.served.map((one) => one.name).join(", ");
  throw new StartError(`The mapping names the field "${name}", which ${resource.path} has not.`, {
    fix: `One of: ${known}`,
  });
}

/** As above, but not one that Backwright writes, unless records are known again by it. */
function writableField(resource: ResourceModel, name: string, { key = [] }: Mapping): FieldModel {
  const field = servedField(resource, name);
  const grants = [...resource.access.values()];
  const isGiven = grants.some(({ create }) => create?.fields.includes(field) === true);
  if (!field.managed || isGiven || [key].flat().includes(name)) return field;
  throw new StartError(`The mapping gives "${name}", which Backwright writes by itself.`, {
    fix: "Leave it out.",
  });
}

function compileLookUp(
  field: FieldModel,
  source: LookUp,
  mapping: Mapping,
  model: Model,
): LookUpPlan {
  const target = resourceOf(model, source.find);
  const by = Object.keys(source.by).map((name) => servedField(target, name));
  const ignoreCase = source.ignoreCase === true;
  if (ignoreCase && by.length !== 1) {
    throw new StartError(`The mapping of ${field.name}: ignoreCase goes with one field in "by".`);
  }
  if (!ignoreCase) requireUnique(target, by, `The mapping of ${field.name}`);
  const { create } = source;
  const values = new Map<FieldModel, Evaluate>();
  const given: Readonly<Record<string, Expression>> = {
    ...(create === true ? {} : create),
    ...source.by,
  };
  for (const [name, expression] of Object.entries(given)) {
    values.set(servedField(target, name), compileExpression(expression, mapping));
  }
  const required = source.required === true;
  return { field, target, by, ignoreCase, creates: create !== undefined, required, values };
}

function keyOf({ key = [], fields }: Mapping, resource: ResourceModel): readonly FieldModel[] {
  const names = typeof key === "string" ? [key] : key;
  const found = names.map((name) => servedField(resource, name));
  if (found.length > 0) requireUnique(resource, found, "The mapping's key");
  const absent = found.find(({ name }) => fields[name] === undefined);
  if (absent === undefined) return found;
  throw new StartError(`The mapping's key "${absent.name}" is not among its fields.`);
}

function requireUnique(resource: ResourceModel, fields: readonly FieldModel[], what: string): void {
  const names = (some: readonly FieldModel[]): string =>
    some
      .map(({ name }) => name)
      .sort()
      .join();
  const keys = uniqueKeys(resource.table);
  if (keys.some((key) => names(key) === names(fields))) return;
  const known = keys.map((key) => key.map(({ name }) => name).join(" + ")).join("; ");
  throw new StartError(`${what}: ${names(fields)} is not unique in ${resource.path}.`, {
    fix: known === "" ? "Add a unique key to the table." : `One of: ${known}`,
  });
}
