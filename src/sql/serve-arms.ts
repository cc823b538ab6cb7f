// Which indexes serve alternatives ("arms") under one sort. Each arm is a list of its own that
// serve.ts finds an index for; a page is the first rows of all of them, each row once.
import type { FieldModel, ResourceModel, TableModel } from "../model/model.ts";
import type { Sort } from "./serve.ts";
import { type Filter, type Form, newestFirst, readableForms, type Served, serve } from "./serve.ts";

/** Filters that are joined by and, and the index that finds their rows. */
export interface Arm {
  readonly filters: readonly Filter[];
  readonly served: Served;
}

type Alternatives = readonly (readonly Filter[])[];

/** Finds the rows of an arm in another way, so that they can be sorted. */
export type FindArm = (at: number, sorts: readonly Sort[] | undefined) => Arm | undefined;

/** Every arm with its index, or the first one that none serves. Without a sort: newest first. */
export function serveArms(
  resource: ResourceModel,
  alternatives: Alternatives,
  sorts: readonly Sort[] | undefined,
  readable: readonly FieldModel[],
  find: FindArm = () => undefined,
): { readonly arms: readonly Arm[] } | { readonly unserved: number } {
  const several = alternatives.length > 1;
  const wanted = sorts ?? (several ? newestFirst(resource.table) : undefined);
  const arms: Arm[] = [];
  for (const [at, filters] of alternatives.entries()) {
    const served = serve(resource, filters, wanted, readable);
    const arm = served === undefined ? find(at, wanted) : { filters, served };
    if (arm === undefined) return { unserved: at };
    arms.push(arm);
  }
  return { arms };
}

/** The sorts under which every arm is served. */
export function formsServing(
  resource: ResourceModel,
  alternatives: Alternatives,
  readable: readonly FieldModel[],
): readonly Form[] {
  const names = new Set(readable.map((field) => field.name));
  return readableForms(resource, names).filter((form) => {
    const served = serveArms(resource, alternatives, sortsOf(form, resource.table), readable);
    return "arms" in served;
  });
}

function sortsOf(form: Form, table: TableModel): readonly Sort[] {
  return form.sorts.flatMap((key) => {
    const field = table.fields.get(key.field);
    return field === undefined ? [] : [{ field, descending: key.descending }];
  });
}

/** Whether each of the filter's values is a scan of its own in front of the sort. */
export function isScannedByValue({ field, operator, through }: Filter, served: Served): boolean {
  if (served.single || operator !== "in" || through !== undefined) return false;
  const isFirst = served.sorts[0]?.field === field;
  return isFirst || served.form.prefix.some((key) => key.field === field.name);
}

/** Whether the filter parts the first sort key into ranges around the values that it leaves out. */
export function isSplitOfOrder({ field, operator, through }: Filter, served: Served): boolean {
  if (served.single || through !== undefined) return false;
  return (operator === "ne" || operator === "nin") && field === served.sorts[0]?.field;
}
