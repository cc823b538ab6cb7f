// Finders: functions of the owner that find ids by operators which may not be index conditions
// under row-level security, because they are not leakproof (like, @>, @@). A finder looks with the
// caller's eyes: tenant, marks of deletion and the role's row condition stand in it, so that its
// bound tells nothing of rows that the caller does not see. The statement joins the ids back.
import { createHash } from "node:crypto";
import { FINDER_MATCHES_MAX } from "../base/limits.ts";
import { hasMembers, isFreeText } from "../model/compile-search.ts";
import type {
  FieldModel,
  Match,
  Model,
  ReadGrant,
  ResourceModel,
  SearchModel,
} from "../model/model.ts";
import { fieldOf } from "../model/model.ts";
import { searchVector } from "../model/search-index.ts";
import { columnName, livingCondition, sqlType, tableName } from "./names.ts";
import { matchSql, predicateSql } from "./predicate.ts";
import { quoteIdentifier, quoteLiteral } from "./quote.ts";
import { tenantSetting } from "./row-security.ts";
import { Parameters } from "./statement.ts";

/** A function of the schema `backwright`: the value to find first, then claims of the caller. */
export interface Finder {
  /** Made of all that the function is, so that another function has another name. */
  readonly name: string;
  readonly arguments: readonly string[];
  readonly claims: readonly { readonly claim: string; readonly type: string }[];
  readonly returns: string;
  readonly body: string;
}

/** The names of finders, and of nothing else in their schema. */
export const FINDER_NAME = "^finder_[0-9a-f]{16}$";
/** What a refusal of a finder says: to this program, never to a caller. */
export const FOUND_TOO_MANY = "a finder has found more than it may";
export const SOUGHT_NO_WORD = "a search names no word to find";

const ALIAS = "w";

/** The claims of a finder as its arguments; the tenant comes from the setting, as for the wall. */
class FinderArguments extends Parameters {
  readonly types: string[];
  readonly claims: { readonly claim: string; readonly type: string }[] = [];

  constructor(valueType: string) {
    super();
    this.types = [valueType];
    this.input(0, valueType); // The first argument.
  }

  override claim(claim: string, type: string): string {
    if (claim === "tenantId") return tenantSetting();
    if (!this.claims.some((known) => known.claim === claim)) {
      this.claims.push({ claim, type });
      this.types.push(type);
    }
    return super.claim(claim, type);
  }
}

const known = new WeakMap<ReadGrant, Map<string, Finder | undefined>>();

function once(grant: ReadGrant, key: string, make: () => Finder | undefined): Finder | undefined {
  const made = known.get(grant) ?? new Map<string, Finder | undefined>();
  known.set(grant, made);
  if (!made.has(key)) made.set(key, make());
  return made.get(key);
}

/** What finds rows by a part of the field; undefined where no index of the table does. */
export function matchFinder(
  model: Model,
  resource: ResourceModel,
  grant: ReadGrant,
  field: FieldModel,
  match: Match,
): Finder | undefined {
  const kind = hasMembers(field) ? "members" : "trigrams";
  const { table } = resource;
  const isHeld = table.partIndexes.some((one) => one.kind === kind && one.field === field.name);
  if (!isHeld) return undefined;
  return once(grant, `${field.name} ${matchSql(field, match)}`, () => {
    const given = new FinderArguments(isFreeText(field) ? "text" : sqlType(field));
    const value = given.input(0, given.types[0] ?? "text");
    const id = columnName(fieldOf(table, "id"), ALIAS);
    const test = `${columnName(field, ALIAS)} ${matchSql(field, match)} ${value}`;
    const where = [...seen(model, resource, grant, given), test].join("\n    and ");
    const found = `select ${id} from ${tableName(table)} ${ALIAS}\n  where ${where}`;
    return finder(given, "id uuid", `with found as (\n  ${found}\n  ${LIMIT}\n)\n${bounded("id")}`);
  });
}

/**
 * What finds and ranks rows by words. Fields that the role may not read are neither matched nor
 * ranked by: for the index the words that are sought are joined by *and*, which every match in
 * fewer fields satisfies as well; the test itself and the rank see the readable fields alone.
 * Words that are left out do not count in the rank: PostgreSQL would rank as if they were sought.
 */
export function searchFinder(
  model: Model,
  resource: ResourceModel,
  grant: ReadGrant,
): Finder | undefined {
  const { search, table } = resource;
  const readable = readableSearch(search, grant);
  if (search === undefined || readable.length === 0) return undefined;
  return once(grant, "search", () => {
    const given = new FinderArguments("text");
    const columns = search.fields.map((field) => field.column);
    const only = readable.map((field) => field.column);
    const words = searchVector(columns, search.language, { alias: ALIAS });
    const seenWords = searchVector(columns, search.language, { alias: ALIAS, only });
    const isWhole = readable.length === search.fields.length;
    const tests = isWhole
      ? [`(${words}) @@ (select q from asked)`]
      : [
          `(${words}) @@ (select ${joinedWords("q", "&")} from asked)`,
          `(${seenWords}) @@ (select q from asked)`,
        ];
    const isSought = `(select querytree(q) <> 'T' or ${refuse(SOUGHT_NO_WORD)} from asked)`;
    const where = [isSought, ...seen(model, resource, grant, given), ...tests].join("\n    and ");
    const id = columnName(fieldOf(table, "id"), ALIAS);
    const rank = `ts_rank(${seenWords}, (select querytree(q)::tsquery from asked)) as rank`;
    const query = `select ${searchQuery(search, given.input(0, "text"))} as q`;
    const found = `select ${id}, ${rank} from ${tableName(table)} ${ALIAS}\n  where ${where}`;
    const body = `with asked as (${query}),\nfound as (\n  ${found}\n  ${LIMIT}\n)`;
    return finder(given, "id uuid, rank real", `${body}\n${bounded("id, rank")}`);
  });
}

/** The fields that `q` searches for a role. */
export function readableSearch(
  search: SearchModel | undefined,
  grant: ReadGrant,
): readonly FieldModel[] {
  return search?.fields.filter((field) => grant.fields.includes(field)) ?? [];
}

/** What was typed as a query; nothing that is typed is a syntax error. */
export function searchQuery({ language }: SearchModel, value: string): string {
  return `websearch_to_tsquery('${language}', ${value})`;
}

/** Every finder that the requests of some role may call. */
export function findersOf(model: Model): readonly Finder[] {
  const found = new Map<string, Finder>();
  for (const resource of model.resources.values()) {
    for (const { read } of resource.access.values()) {
      if (read === undefined) continue;
      const made = [searchFinder(model, resource, read), ...matchFinders(model, resource, read)];
      for (const one of made) if (one !== undefined) found.set(one.name, one);
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function matchFinders(model: Model, resource: ResourceModel, grant: ReadGrant) {
  return grant.fields.flatMap((field) => {
    const matches: readonly Match[] = hasMembers(field) ? ["contains"] : ["like", "ilike"];
    return matches.map((match) => matchFinder(model, resource, grant, field, match));
  });
}

/** The call of a finder in FROM; `value` is what to find. */
export function finderCall(finder: Finder, value: string, parameters: Parameters): string {
  const claims = finder.claims.map(({ claim, type }) => parameters.claim(claim, type));
  return `backwright.${quoteIdentifier(finder.name)}(${[value, ...claims].join(", ")})`;
}

const LIMIT = `limit ${FINDER_MATCHES_MAX + 1}`;
/**
 * The words that a query seeks, without those that it leaves out, all joined by one operator. An
 * operator of a query stands outside the quotes of its words: an even number of them follows.
 */
export function joinedWords(query: string, operator: "&" | "|"): string {
  const joint = "(&|<(-|[0-9]+)>)(?=(?:[^'']|''[^'']*'')*$)";
  return `regexp_replace(querytree(${query}), '${joint}', '${operator}', 'g')::tsquery`;
}

function seen(
  model: Model,
  { table }: ResourceModel,
  { rows }: ReadGrant,
  parameters: Parameters,
): string[] {
  const living = livingCondition(table, ALIAS, parameters);
  const policy = predicateSql(rows, table, ALIAS, { model, parameters });
  return [living, policy].filter((part) => part !== undefined);
}

function refuse(reason: string): string {
  return `backwright.refuse(${quoteLiteral(reason)})`;
}

/** All that was found, or the refusal to say which part of it. */
function bounded(columns: string): string {
  const count = "(select count(*) from found)";
  const isWhole = `${count} <= ${FINDER_MATCHES_MAX}`;
  return `select ${columns} from found where ${isWhole}\n  or ${refuse(FOUND_TOO_MANY)}`;
}

function finder(given: FinderArguments, returns: string, body: string): Finder {
  const { types, claims } = given;
  const digest = createHash("sha256")
    .update(JSON.stringify([types, returns, body]))
    .digest("hex");
  const name = `finder_${digest.slice(0, 16)}`;
  return Object.freeze({ name, arguments: types, claims, returns, body });
}
