// What stops a start: fields of types that JSON cannot carry, and aggregates of fields that are not
// served or have no such figure. Word for word, with what to write instead.
//
// Planted: each `problems.add` of src/model/compile-aggregates.ts silenced, one at a time -> red.
import {
  boolean,
  geometry,
  halfvec,
  integer,
  jsonb,
  numeric,
  point,
  sparsevec,
  text,
  timestamp,
  uuid,
  vector,
} from "drizzle-orm/pg-core";
import { expect, test } from "vitest";
import { type Declared, refusalOf, tenantTable, users } from "./declared.ts";

const all = { scope: "tenant", access: { boss: "all" } };

test("types that JSON cannot carry are refused until they are hidden", () => {
  const raw = tenantTable("raw", {
    near: vector({ dimensions: 3 }),
    half: halfvec({ dimensions: 3 }),
    sparse: sparsevec({ dimensions: 3 }),
    shape: geometry(),
    grid: integer().array("[][]"),
  });
  const schema = { raw, users };
  expect(refusalOf({ schema, resources: { raw: all } })).toEqual([
    'Backend "test" has 5 problems:',
    ...[
      ["near", "vector(3)"],
      ["half", "halfvec(3)"],
      ["sparse", "sparsevec(3)"],
      ["shape", "geometry(point)"],
      ["grid", "integer[][]"],
    ].flatMap(([field, type]) => [
      `  raw.${field}: the type ${type} cannot be served without loss`,
      `    write: hidden: ["${field}"]`,
    ]),
  ]);
  const hidden = ["near", "half", "sparse", "shape", "grid"];
  expect(refusalOf({ schema, resources: { raw: { ...all, hidden } } })).toEqual([]);
});

const costs = tenantTable("costs", {
  amount: numeric(),
  isOpen: boolean(),
  note: text(),
  place: point(),
  data: jsonb(),
  tags: text().array(),
  at: timestamp(),
  owner: uuid(),
  secret: text(),
});
const costsWith = (aggregates: unknown): Declared => ({
  schema: { costs, users },
  resources: { costs: { ...all, hidden: ["secret"], aggregates } },
});

test("aggregates of what is fit for them start", () => {
  const groupBy = ["isOpen", "note", "at", "owner", "amount"];
  const aggregates = {
    groupBy,
    sum: ["amount"],
    avg: ["amount"],
    min: ["at", "note"],
    max: ["at"],
  };
  expect(refusalOf(costsWith(aggregates))).toEqual([]);
  expect(refusalOf(costsWith({}))).toEqual([]);
});

test.each([
  ["nothing of the kind", ["status"], ["must say what may be asked"]],
  [
    "a misspelt list",
    { groupby: ["note"] },
    [".groupby: is not part of aggregates; write groupBy, sum, avg, min, max"],
  ],
  ["a field alone", { sum: "amount" }, [".sum: must be a list of fields"]],
  [
    "fields that are not served",
    { groupBy: ["secret", "nothing", "organizationId"] },
    ["secret", "nothing", "organizationId"].map(
      (field) => `.groupBy: "${field}" is no field of costs that is served`,
    ),
  ],
  [
    "fields without such a figure or group",
    {
      groupBy: ["place", "data", "tags"],
      sum: ["note"],
      avg: ["at"],
      min: ["owner"],
      max: ["isOpen"],
    },
    [
      ".groupBy: place is point, which cannot be grouped by",
      ".groupBy: data is jsonb, which cannot be grouped by",
      ".groupBy: tags is text[], which cannot be grouped by",
      ".sum: note is text, which cannot be summed up",
      ".avg: at is timestamp, which cannot be averaged",
      ".min: owner is uuid, which cannot be put in order",
      ".max: isOpen is boolean, which cannot be put in order",
    ],
  ],
])("aggregates are refused for %s", (_mistake, aggregates, said) => {
  const refusal = refusalOf(costsWith(aggregates)).filter((line) => !line.startsWith("    write:"));
  const told = refusal.slice(1).map((line) => line.replace("  costs.aggregates", ""));
  expect(told.toSorted()).toEqual(
    said.map((line) => (line.startsWith(".") ? line : `: ${line}`)).toSorted(),
  );
});
