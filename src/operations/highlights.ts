// Where a search matched, as HTML that is safe to show: everything that the records hold is
// escaped, and the marks around the words that were sought are its only tags.

import { encodeArray } from "../model/fields.ts";
import { HTML_STAND_INS, highlightStatement, MARK_END, MARK_START } from "../sql/highlight.ts";
import type { RecordShape } from "../sql/read.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import { publicError } from "./failures.ts";
import type { HighlightRequest } from "./found.ts";

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const MARKUP = new Map([
  [MARK_START, "<mark>"],
  [MARK_END, "</mark>"],
  ...Object.entries(ENTITIES).map(
    ([character, entity]) => [HTML_STAND_INS[character] ?? character, entity] as const,
  ),
]);

/**
 * Marked texts of the records with the ids, by id and field, as JSON text; a field without a match
 * is left out. A statement of its own: a record that changed in between is marked as it is then.
 */
export async function highlightsOf(
  context: OperationsContext,
  { actor }: RequestContext,
  { resource, rows }: Pick<RecordShape, "resource" | "rows">,
  { highlight }: { readonly highlight: HighlightRequest | undefined },
  ids: () => readonly string[],
): Promise<string | undefined> {
  if (highlight === undefined) return undefined;
  const { search, fields, text } = highlight;
  const key = `highlight|${resource.name}|${actor.role}`;
  const statement = context.shapes.get(key, () =>
    highlightStatement({ resource, rows, search, fields }, context.model),
  );
  const marked = await context.database
    .readAlone(statement, actor, [text, encodeArray(ids())])
    .catch((error: unknown) => {
      throw publicError(error, context.constraints);
    });
  const texts = marked.map(([id, ...values]) => {
    const matched = fields.flatMap(({ name }, at) => {
      const value = values[at] ?? "";
      return value.includes(MARK_START) ? [[name, markup(value)] as const] : [];
    });
    return [id ?? "", Object.fromEntries(matched)] as const;
  });
  return JSON.stringify(Object.fromEntries(texts));
}

function markup(text: string): string {
  return text.replace(/[\uE000-\uE006]/g, (character) => MARKUP.get(character) ?? "");
}
