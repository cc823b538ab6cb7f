// Cursors of included records: a place among the records of one relation of one parent record. They
// are bound to the tenant, the version and that record, so that they lead on nowhere else.
import type { RowLinks } from "../sql/record-reader.ts";
import type { RequestContext } from "./context.ts";
import type { CursorSigner } from "./cursor.ts";

type Parent = Parameters<RowLinks["next"]>[0];

export interface IncludedLinks {
  readonly next: RowLinks["next"];
  /** The id that a cursor stands for. Throws CURSOR_INVALID naming the parameter. */
  open(parent: Parent, relation: string, cursor: string): string;
}

export function linksOf(
  { cursors }: { readonly cursors: CursorSigner },
  { actor, face }: RequestContext,
): IncludedLinks {
  const binding = ({ resource, id }: Parent, relation: string): string =>
    JSON.stringify(["included", actor.tenantId, face, resource, relation, id]);
  return {
    next: (parent, relation, last) =>
      cursors.sign({ keys: [], id: last }, binding(parent, relation)),
    open: (parent, relation, cursor) =>
      cursors.open(cursor, binding(parent, relation), `page[${relation}][after]`).id,
  };
}
