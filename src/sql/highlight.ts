// Where a search matched: the fields of some records with marks around the words that were sought.
// What is read is text; turning it into HTML that is safe to show is the reader's part.
import { HIGHLIGHT_TEXT_MAX, HIGHLIGHT_WHOLE_MAX } from "../base/limits.ts";
import { type FieldModel, fieldOf, type Model, type SearchModel } from "../model/model.ts";
import { joinedWords, searchQuery } from "./finder.ts";
import { columnName, tableName } from "./names.ts";
import { quoteLiteral } from "./quote.ts";
import { type RecordShape, ROOT, visibleConditions } from "./read.ts";
import { Parameters, type Statement } from "./statement.ts";

// Characters of private use, taken out of the text first: only our own are left. What is markup to
// HTML goes through PostgreSQL as such, too, because there tags are dropped from a highlight.
export const MARK_START = "\uE000";
export const MARK_END = "\uE001";
export const HTML_STAND_INS: Readonly<Record<string, string>> = {
  "&": "\uE002",
  "<": "\uE003",
  ">": "\uE004",
  '"': "\uE005",
  "'": "\uE006",
};

const STAND_INS = Object.values(HTML_STAND_INS).join("");
const TAKEN = `${Object.keys(HTML_STAND_INS).join("")}${STAND_INS}${MARK_START}${MARK_END}`;
const MARKS = `StartSel="${MARK_START}", StopSel="${MARK_END}"`;
const WHOLE = quoteLiteral(`${MARKS}, HighlightAll=true`);
const PARTS = quoteLiteral(`${MARKS}, MaxFragments=2, FragmentDelimiter=" … "`);

export interface HighlightShape extends Pick<RecordShape, "resource" | "rows"> {
  readonly search: SearchModel;
  /** Those that the role may read. */
  readonly fields: readonly FieldModel[];
}

/** Inputs: what is sought, an array of ids. Rows: id, then each field. */
export function highlightStatement(shape: HighlightShape, model: Model): Statement {
  const { resource, rows, search, fields } = shape;
  const parameters = new Parameters();
  // Any word that is sought, though another field may hold the rest of them.
  const query = joinedWords(searchQuery(search, parameters.input(0, "text")), "|");
  const id = columnName(fieldOf(resource.table, "id"), ROOT);
  const texts = fields.map((field) => {
    const text = `left(coalesce(${columnName(field, ROOT)}, ''), ${HIGHLIGHT_TEXT_MAX})`;
    const clean = `translate(${text}, ${quoteLiteral(TAKEN)}, '${STAND_INS}')`;
    const isShort = `length(${text}) <= ${HIGHLIGHT_WHOLE_MAX}`;
    const options = `case when ${isShort} then ${WHOLE} else ${PARTS} end`;
    return `ts_headline('${search.language}', ${clean}, ${query}, ${options})`;
  });
  const conditions = visibleConditions(resource, rows, model, parameters);
  conditions.push(`${id} = any(${parameters.input(1, "uuid[]")})`);
  return parameters.statement(
    `select ${[`${id}::text`, ...texts].join(", ")} from ${tableName(resource.table)} ${ROOT} ` +
      `where ${conditions.join(" and ")}`,
  );
}
