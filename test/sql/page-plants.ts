// Faults that a pager could have, planted into the context of operations: the walks must find
// each of them, or they would find nothing.

import type { OperationsContext } from "../../src/operations/context.ts";
import { type CursorPosition, CursorSigner } from "../../src/operations/cursor.ts";
import type { Value } from "../../src/sql/statement.ts";
import { rewritten, withRun } from "./captured.ts";

export type Plant = (context: OperationsContext) => OperationsContext;

/** Cursors whose instants pass through a Date, which counts milliseconds. */
class DateCursors extends CursorSigner {
  override sign(position: CursorPosition, binding: string): string {
    return super.sign({ ...position, keys: position.keys.map(throughDate) }, binding);
  }
}

function throughDate(key: Value): Value {
  return key !== null && /^\d{4}-\d\d-\d\d /.test(key) ? new Date(key).toISOString() : key;
}

/** Each changes the text of a list's statement. A text that stays is planted nowhere. */
export function rewriting(change: (text: string) => string): Plant {
  return (context) => ({
    ...context,
    database: withRun(context.database, {
      read: (statement, caller, inputs) =>
        context.database.read(rewritten(statement, change), caller, inputs),
      // Lists that test row by row take a turn of their own.
      write: (statement, caller, inputs) =>
        context.database.readAlone(rewritten(statement, change), caller, inputs),
    }),
  });
}

const ROW_COMPARISON = /\((w\."\w+"), w\."id"\) ([<>]) \((\$\d+::\w+), (\$\d+::uuid)\)/g;

export const PLANTS: Readonly<Record<string, Plant>> = {
  "cursors through a Date": (context) => ({ ...context, cursors: new DateCursors("planted") }),
  "a cursor that leaves the id out": rewriting((text) =>
    text.replace(ROW_COMPARISON, "$1 $2 $3 and $4 is not null"),
  ),
  "a cursor that repeats its ties": rewriting((text) =>
    text.replace(ROW_COMPARISON, "$1 $2= $3 and $4 is not null"),
  ),
  "no run for the nulls": rewriting((text) =>
    text.replace(/(w\."due_at" is null)( order| and w\."id" [<>])/g, "$1 and w.id is null$2"),
  ),
  "a value in two spellings": rewriting((text) => text.replaceAll("select distinct", "select")),
  "the runs in the wrong order": rewriting((text) =>
    text.replace("order by w.page_run", "order by w.page_run desc"),
  ),
};
