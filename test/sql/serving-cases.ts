// Every pair of one filter and one sort that somebody could ask for, and values to ask with.

import { BackwrightError } from "../../src/base/errors.ts";
import { newId } from "../../src/base/ids.ts";
import type { Session } from "../../src/database/session.ts";
import {
  type FieldModel,
  MATCHES,
  type Model,
  OPERATORS,
  type ResourceModel,
} from "../../src/model/model.ts";
import { parseList, type RawFilter } from "../../src/operations/parse-list.ts";
import { columnName, tableName } from "../../src/sql/names.ts";
import type { Place } from "./captured.ts";

export interface Pair {
  readonly resource: ResourceModel;
  readonly field: FieldModel;
  /** An operator; isNull with its value. */
  readonly form: string;
  readonly sort: string | undefined;
}

/** Tests of a part of a value are in no index's order: search-cost.test.ts has what finds them. */
const WHOLE = OPERATORS.filter((operator) => !MATCHES.some((match) => match === operator));
const FORMS = WHOLE.flatMap((operator) =>
  operator === "isNull" ? ["isNull true", "isNull false"] : [operator],
);

/** Filter field × operator × sort field × direction, with every comparable field of the role. */
export function allPairs(resource: ResourceModel, role: string): Pair[] {
  const readable = resource.access.get(role)?.read?.fields ?? [];
  const fields = readable.filter((field) => field.type?.comparable === true);
  const sorts = [undefined, ...fields.flatMap(({ name }) => [name, `-${name}`])];
  return fields.flatMap((field) =>
    FORMS.flatMap((form) => sorts.map((sort) => ({ resource, field, form, sort }))),
  );
}

export function filterOf({ field, form }: Pair, value: string): RawFilter {
  const [operator = "", flag] = form.split(" ");
  return { field: field.name, operator, value: flag ?? value };
}

/** The error of a list that is refused; undefined for one that is served. */
export function refusal(
  resource: ResourceModel,
  role: string,
  query: {
    readonly filters?: readonly RawFilter[] | undefined;
    readonly sort?: string | undefined;
  },
  model: Model,
): BackwrightError | undefined {
  const grant = resource.access.get(role)?.read;
  if (grant === undefined) throw new Error(`${role} reads no ${resource.name}`);
  try {
    parseList(query, resource, grant, { role }, model);
    return undefined;
  } catch (error) {
    if (error instanceof BackwrightError) return error;
    throw error;
  }
}

/** Values of a field as the API writes them, most frequent first. */
export interface FieldValues {
  readonly frequent: readonly string[];
  readonly rarest: string | undefined;
  /** A value that no row has; undefined where every value is in use. */
  readonly absent: string | undefined;
  /** In the middle of the sorted rows, and of those without a value. */
  readonly places: readonly { readonly keys: readonly [string | null]; readonly id: string }[];
}

const ABSENT: Readonly<Record<string, () => string>> = {
  uuid: newId,
  text: () => "nothing",
  timestamptz: () => "2026-06-01T08:00:00.000002Z",
  integer: () => "77",
};

export async function valuesOf(
  admin: Session,
  resource: ResourceModel,
  field: FieldModel,
  tenantId: string,
): Promise<FieldValues> {
  const column = columnName(field);
  const json = `(${field.type?.json(column) ?? column})::text`;
  const rows = `from ${tableName(resource.table)} where organization_id = $1`;
  const grouped = await admin.query<{ value: string }>(
    `select ${json} as value ${rows} and ${column} is not null
     group by ${column} order by count(*) desc, 1 limit 20`,
    [tenantId],
  );
  const [rarest] = await admin.query<{ value: string }>(
    `select ${json} as value ${rows} and ${column} is not null
     group by ${column} order by count(*), 1 limit 1`,
    [tenantId],
  );
  const middle = (condition: string): Promise<{ keys: [string | null]; id: string }[]> =>
    admin.query(
      `select array[${column}::text] as keys, id::text ${rows} and ${column} ${condition}
       order by ${column}, id limit 1
       offset (select count(*) / 2 ${rows} and ${column} ${condition})`,
      [tenantId],
    );
  return {
    frequent: grouped.map(({ value }) => value),
    rarest: rarest?.value,
    absent: field.values === undefined ? ABSENT[field.type?.sql ?? ""]?.() : undefined,
    places: [...(await middle("is not null")), ...(await middle("is null"))],
  };
}

/** What to filter by: the most and the least frequent value, and one that matches nothing. */
export function probes({ form }: Pair, { frequent, rarest, absent }: FieldValues): string[] {
  if (form.startsWith("isNull")) return [""];
  const first = form === "in" || form === "nin" ? frequent.join() : frequent[0];
  return [...new Set([first, rarest, absent])].filter((value) => value !== undefined);
}

/** Places deep in the list that a reader of this pair can come to. */
export function placesFor(pair: Pair, sorted: FieldValues): Place[] {
  const { field, form, sort } = pair;
  const onSort = sort?.replace("-", "") === field.name;
  return sorted.places
    .filter(({ keys: [key] }) => !onSort || (key === null) === (form === "isNull true"))
    .flatMap((place) => [
      { ...place, before: false },
      { ...place, before: true },
    ]);
}
