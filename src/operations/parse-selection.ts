// Reads what of a record is asked for: fields, includes within includes, pages of included records.
// A field, relation or record that the role may not read is refused as if it did not exist.
import type { Actor } from "../access/actor.ts";
import { type ErrorDetail, refuseInvalid } from "../base/errors.ts";
import {
  INCLUDE_DEPTH_MAX,
  INCLUDED_ROWS_MAX,
  INCLUDED_SIZE_DEFAULT,
  INCLUDED_SIZE_MAX,
  INCLUDES_MAX,
} from "../base/limits.ts";
import type { FieldModel, Model, ReadGrant, ResourceModel } from "../model/model.ts";
import type { Include, IncludedPage } from "../sql/read.ts";
import { indexOfMany, orderOfMany } from "../sql/serve-many.ts";
import { allowed, type Parsing, readableRelations } from "./parsing.ts";

/** A query as a face received it: every value is text. */
export interface RecordQuery {
  /** What was wrong with it already: told with what is found here. */
  readonly problems?: readonly ErrorDetail[] | undefined;
  readonly include?: string | undefined;
  /** Root fields under "", those of an included relation under its path: `asset.site`. */
  readonly fields?: ReadonlyMap<string, string> | undefined;
  /** Pages of included records, by the path of the relation. */
  readonly pages?: ReadonlyMap<string, IncludedPageQuery> | undefined;
}

export interface IncludedPageQuery {
  readonly size?: string | undefined;
  readonly after?: string | undefined;
}

export interface Selection {
  readonly fields: readonly FieldModel[];
  readonly includes: readonly Include[];
  /** Names all of it: equal names, equal selections of a role. */
  readonly selected: string;
}

/** A place in the included records of one record: input `input` is the id that it stands for. */
export interface IncludedCursor {
  readonly relation: string;
  readonly text: string;
  readonly input: number;
}

/** Throws PARAMETER_INVALID listing everything that is wrong. Cursors take inputs 1 and on. */
export function parseSelection(
  query: RecordQuery,
  resource: ResourceModel,
  grant: ReadGrant,
  actor: Pick<Actor, "role">,
  model: Model,
): Selection & { readonly cursors: readonly IncludedCursor[] } {
  const problems = [...(query.problems ?? [])];
  const parsing: Parsing = { model, actor, resource, grant, problems };
  const cursors: IncludedCursor[] = [];
  const selection = select(query, parsing, cursors);
  refuseInvalid("PARAMETER_INVALID", parsing.problems);
  return { ...selection, cursors };
}

// LIMIT: programs choose fields and includes in a few ways; a reader who tries all is read anew.
const KNOWN_MAX = 200;
// The grant is one role's of one version of a model, so it stands for both.
const known = new WeakMap<ReadGrant, Map<string, Selection>>();

/** Pushes what is wrong to the problems of `parsing`. Without `cursors` none is taken. */
export function select(
  query: RecordQuery,
  parsing: Parsing,
  cursors?: IncludedCursor[],
): Selection {
  const { include, fields = NO_FIELDS, pages } = query;
  if (pages !== undefined && pages.size > 0) return readSelection(query, parsing, cursors);
  // An empty include is a mistake, not none.
  let key = include === undefined ? "" : `?${include}`;
  for (const [path, names] of fields) key += `&${path}=${names}`;
  const ofGrant = known.get(parsing.grant) ?? new Map<string, Selection>();
  known.set(parsing.grant, ofGrant);
  const found = ofGrant.get(key);
  if (found !== undefined) return found;
  const before = parsing.problems.length;
  const selection = readSelection(query, parsing, cursors);
  if (parsing.problems.length === before && ofGrant.size < KNOWN_MAX) ofGrant.set(key, selection);
  return selection;
}

const NO_FIELDS: ReadonlyMap<string, string> = new Map();

function readSelection(
  query: RecordQuery,
  parsing: Parsing,
  cursors?: IncludedCursor[],
): Selection {
  const { grant, problems } = parsing;
  const fields = pickFields(query.fields?.get(""), grant.fields, "fields", problems);
  const tree = new Map<string, Tree>();
  for (const path of query.include?.split(",") ?? []) plant(tree, path, problems);
  const asked = new Set(pathsOf(tree));
  if (asked.size > INCLUDES_MAX) {
    problems.push({ field: "include", message: `takes at most ${INCLUDES_MAX} relations` });
    return { fields, includes: [], selected: "" };
  }
  for (const [name, of] of [
    ...[...(query.fields?.keys() ?? [])].map((path) => [`fields[${path}]`, path] as const),
    ...[...(query.pages?.keys() ?? [])].map((path) => [`page[${path}]`, path] as const),
  ]) {
    if (of !== "" && !asked.has(of)) {
      problems.push({ field: name, message: `needs include=${of}` });
    }
  }
  const reading = { query, cursors };
  const includes = findIncludes(tree, { path: "", isMany: false }, parsing, reading);
  return { fields, includes, selected: nameOf({ fields, includes }) };
}

function nameOf({ fields, includes }: Pick<Include, "fields" | "includes">): string {
  const own = fields.map((field) => field.name).join();
  const related = includes.map((include) => {
    const { page } = include;
    const at = page === undefined ? "" : ` ${page.size} ${page.after}`;
    return `${include.relation.name}${at}(${nameOf(include)})`;
  });
  return `${own}|${related.join()}`;
}

/** Refuses a list of `size` whose included pages come to more records than a reply may hold. */
export function refuseManyRows(
  { includes }: Selection,
  size: number,
  problems: ErrorDetail[],
): void {
  const rows = (list: readonly Include[]): number =>
    list.reduce((sum, one) => sum + (one.page?.size ?? 0) + rows(one.includes), 0);
  const most = size * rows(includes);
  if (most <= INCLUDED_ROWS_MAX) return;
  const message =
    `asks for up to ${most} included records; at most ${INCLUDED_ROWS_MAX} in one reply: ` +
    "make page[size] or the pages of included records smaller";
  problems.push({ field: "include", message });
}

type Tree = Map<string, Tree>;

function plant(tree: Tree, path: string, problems: ErrorDetail[]): void {
  const steps = path.split(".");
  if (steps.length > INCLUDE_DEPTH_MAX) {
    const message = `"${path.slice(0, 100)}" goes more than ${INCLUDE_DEPTH_MAX} relations far`;
    problems.push({ field: "include", message });
    return;
  }
  let at = tree;
  for (const step of steps) {
    const next = at.get(step) ?? new Map<string, Tree>();
    at.set(step, next);
    at = next;
  }
}

function pathsOf(tree: Tree, before = ""): string[] {
  return [...tree].flatMap(([name, inner]) => {
    const path = `${before}${name}`;
    return [path, ...pathsOf(inner, `${path}.`)];
  });
}

interface Reading {
  readonly query: RecordQuery;
  readonly cursors: IncludedCursor[] | undefined;
}

/** Where includes stand: under which path, and whether a relation to many leads there. */
interface Stand {
  readonly path: string;
  readonly isMany: boolean;
}

/** In the order of the declaration, whatever that of the query. */
function findIncludes(tree: Tree, stand: Stand, parsing: Parsing, reading: Reading): Include[] {
  const { problems } = parsing;
  const readable = tree.size === 0 ? [] : readableRelations(parsing);
  for (const name of tree.keys()) {
    if (readable.some(({ relation }) => relation.name === name)) continue;
    const relations = readable.map(({ relation }) => relation);
    const message = `cannot include "${stand.path}${name}"; ${allowed(name, relations)}`;
    problems.push({ field: "include", message });
  }
  return readable.flatMap((found) => {
    const { relation, target, rows, joinRows } = found;
    const inner = tree.get(relation.name);
    if (inner === undefined) return [];
    const path = `${stand.path}${relation.name}`;
    const page = readPage(found, path, stand, parsing, reading);
    const text = reading.query.fields?.get(path);
    const fields = pickFields(text, found.fields, `fields[${path}]`, problems);
    const within = { ...parsing, resource: target, grant: { rows, fields: found.fields } };
    const beneath = { path: `${path}.`, isMany: stand.isMany || page !== undefined };
    const includes = findIncludes(inner, beneath, within, reading);
    return [{ relation, target, rows, joinRows, fields, includes, page }];
  });
}

function readPage(
  { relation }: Pick<Include, "relation">,
  path: string,
  stand: Stand,
  { problems, model }: Parsing,
  { query, cursors }: Reading,
): IncludedPage | undefined {
  const asked = query.pages?.get(path);
  const refusal = (field: string, message: string): undefined => {
    problems.push({ field, message });
  };
  if (relation.kind === "one") {
    if (asked !== undefined) refusal(`page[${path}]`, `${path} is one record, not a list`);
    return undefined;
  }
  if (stand.isMany) {
    return refusal("include", `"${path}" leads through two relations to many; one is allowed`);
  }
  const order = orderOfMany(relation, model);
  if (order === undefined) {
    const index = indexOfMany(relation, model);
    return refusal("include", `no index serves "${path}"; it takes ${index}`);
  }
  const size = readSize(asked?.size, `page[${path}][size]`, problems);
  if (asked?.after === undefined) return { size, order, after: undefined };
  if (cursors === undefined || stand.path !== "") {
    const where = "goes with the one record that it came from, read by its id";
    return refusal(`page[${path}][after]`, where);
  }
  const input = cursors.length + 1;
  cursors.push({ relation: relation.name, text: asked.after, input });
  return { size, order, after: input };
}

function readSize(text: string | undefined, parameter: string, problems: ErrorDetail[]): number {
  if (text === undefined) return INCLUDED_SIZE_DEFAULT;
  const size = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (size >= 1 && size <= INCLUDED_SIZE_MAX) return size;
  problems.push({ field: parameter, message: `must be from 1 to ${INCLUDED_SIZE_MAX}` });
  return INCLUDED_SIZE_DEFAULT;
}

function pickFields(
  text: string | undefined,
  readable: readonly FieldModel[],
  parameter: string,
  problems: ErrorDetail[],
): readonly FieldModel[] {
  if (text === undefined) return readable;
  const wanted = new Set(text.split(","));
  for (const name of wanted) {
    if (readable.some((field) => field.name === name)) continue;
    const message = `"${name}" is not a field; ${allowed(name, readable)}`;
    problems.push({ field: parameter, message });
  }
  return readable.filter((field) => wanted.has(field.name));
}
