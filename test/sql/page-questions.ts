// Random work orders and random questions about them, for fast-check: few distinct values, many
// nulls, ties that differ only in microseconds, and the same value written in several ways.
import fc from "fast-check";
import { BackwrightError } from "../../src/base/errors.ts";
import type { Model, ResourceModel } from "../../src/model/model.ts";
import { parseList } from "../../src/operations/parse-list.ts";
import type { Field, Question } from "./order-oracle.ts";

/** The values that a field's rows may have, by place. */
export type Pools = Readonly<Record<Field, readonly string[]>>;

export interface OrderSpec {
  readonly status: number;
  readonly siteId: number;
  readonly requesterId: number;
  readonly externalId: boolean;
  readonly assetId: number | null;
  readonly categoryId: number | null;
  readonly teamId: number | null;
  readonly assigneeId: number | null;
  readonly dueAt: number | null;
}

export const STATUSES = ["open", "assigned", "in_progress", "on_hold", "done", "cancelled"];
export const INSTANTS = [
  "2026-06-01T08:00:00.000000Z",
  "2026-06-01T08:00:00.000001Z",
  "2026-06-01T08:00:00.000002Z",
  "2026-06-01T08:00:00.000999Z",
  "2026-06-01T08:00:00.001000Z",
  "2026-12-24T23:59:59.999999Z",
];
const FIELDS: readonly Field[] = [
  "id",
  "status",
  "siteId",
  "requesterId",
  "externalId",
  "assetId",
  "categoryId",
  "teamId",
  "assigneeId",
  "dueAt",
];
const OPERATORS = ["eq", "ne", "lt", "lte", "gt", "gte", "in", "isNull"];

const place = (most: number) => fc.nat({ max: most });
const mayBeNull = (most: number) => fc.option(place(most), { freq: 2 });

export const orderSpec: fc.Arbitrary<OrderSpec> = fc.record({
  status: place(STATUSES.length - 1),
  siteId: place(1),
  requesterId: place(1),
  externalId: fc.boolean(),
  assetId: mayBeNull(1),
  categoryId: mayBeNull(1),
  teamId: mayBeNull(1),
  assigneeId: mayBeNull(1),
  dueAt: mayBeNull(INSTANTS.length - 1),
});

/** A filter whose values are places in a pool, with a way to write each. */
interface FilterSpec {
  readonly field: Field;
  readonly at: number;
  readonly places: readonly number[];
  readonly spelling: number;
}

const FILTER_FORMS = OPERATORS.flatMap((operator) =>
  operator === "isNull" ? ["isNull true", "isNull false"] : [operator],
);

// Dates and states have the most ways to be served, so they are asked for most often.
const filterSpec: fc.Arbitrary<FilterSpec> = fc.record({
  field: fc.constantFrom<Field>(...FIELDS, "dueAt", "dueAt", "dueAt", "status", "status", "siteId"),
  at: fc.nat({ max: 10_000 }),
  places: fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 5, size: "max" }),
  spelling: fc.nat({ max: 7 }),
});

export interface QuestionSpec {
  /** Of one in eight questions only the order is asked. */
  readonly first: FilterSpec | null;
  readonly second: FilterSpec | null;
  readonly at: number;
}

export const questionSpec: fc.Arbitrary<QuestionSpec> = fc.record({
  first: fc.option(filterSpec, { freq: 7 }),
  second: fc.option(filterSpec, { freq: 1 }),
  at: fc.nat({ max: 10_000 }),
});

interface Template {
  readonly form: string;
  readonly sort: string | undefined;
}

/** Everything that may be asked of work orders, found by asking the parser. */
export class Questions {
  readonly #model: Model;
  readonly #resource: ResourceModel;
  readonly #templates: ReadonlyMap<Field, readonly Template[]>;
  readonly #sorts: readonly (string | undefined)[];

  constructor(model: Model) {
    const resource = model.resources.get("workOrders");
    if (resource === undefined) throw new Error("the example serves work orders");
    this.#model = model;
    this.#resource = resource;
    const sorts = [undefined, ...FIELDS.flatMap((field) => [field, `-${field}`])];
    this.#sorts = sorts.filter((sort) => this.#isServed({ filters: [], sort }));
    const templates = FIELDS.map((field): [Field, Template[]] => {
      const all = FILTER_FORMS.flatMap((form) => sorts.map((sort) => ({ form, sort })));
      const example = { field, at: 0, places: [0], spelling: 0 };
      const served = all.filter(({ form, sort }) =>
        this.#isServed({ filters: [writeFilter(example, form, EXAMPLES)], sort }),
      );
      return [field, served];
    });
    this.#templates = new Map(templates);
  }

  /** A question that is served; the second filter is dropped where no index serves both. */
  ask({ first, second, at }: QuestionSpec, pools: Pools): Question {
    if (first === null) return { filters: [], sort: this.#sorts[at % this.#sorts.length] };
    const template = this.#template(first);
    const filter = writeFilter(first, template.form, pools);
    const alone = { filters: [filter], sort: template.sort };
    // With two filters the order is always asked for: which index comes first is no promise.
    if (second === null || template.sort === undefined) return alone;
    const other = writeFilter(second, this.#template(second).form, pools);
    const isSame = other.field === filter.field && other.operator === filter.operator;
    const both = { filters: [filter, other], sort: template.sort };
    return !isSame && this.#isServed(both) ? both : alone;
  }

  #template({ field, at }: FilterSpec): Template {
    const templates = this.#templates.get(field) ?? [];
    const template = templates[at % templates.length];
    if (template === undefined) throw new Error(`no list can be filtered by ${field}`);
    return template;
  }

  #isServed(question: Question): boolean {
    const grant = this.#resource.access.get("manager")?.read;
    if (grant === undefined) throw new Error("managers read everything");
    try {
      parseList(question, this.#resource, grant, { role: "manager" }, this.#model);
      return true;
    } catch (error) {
      if (error instanceof BackwrightError && error.code === "PARAMETER_INVALID") return false;
      throw error;
    }
  }
}

const ANY_ID = ["01890a5d-ac96-774b-bcce-b302099a8057"];
const EXAMPLES: Pools = {
  id: ANY_ID,
  status: STATUSES,
  siteId: ANY_ID,
  requesterId: ANY_ID,
  externalId: ["ext-0"],
  assetId: ANY_ID,
  categoryId: ANY_ID,
  teamId: ANY_ID,
  assigneeId: ANY_ID,
  dueAt: INSTANTS,
};

function writeFilter(spec: FilterSpec, form: string, pools: Pools): Question["filters"][number] {
  const { field, places, spelling } = spec;
  const [operator = "", value] = form.split(" ");
  if (value !== undefined) return { field, operator, value };
  const pool = pools[field];
  const values = places.map((at, nth) =>
    spell(field, pool[at % pool.length] ?? "", spelling + nth),
  );
  return { field, operator, value: operator === "in" ? values.join() : (values[0] ?? "") };
}

/** Another text for the same value. */
function spell(field: Field, value: string, spelling: number): string {
  if (field === "dueAt") {
    if (spelling % 3 === 1) return value.replace(/\.?0+Z$/, "Z");
    if (spelling % 3 === 2) {
      return value.replace(/T(\d\d)(.*)Z$/, (_, hour: string, rest: string) => {
        const earlier = String(Number(hour) - 2).padStart(2, "0");
        return `T${earlier}${rest}-02:00`;
      });
    }
    return value;
  }
  if (field === "status" || field === "externalId") return value;
  return spelling % 4 === 3 ? value.toUpperCase() : value;
}
