// What a body is refused with: our words, whoever wrote the schema, with the place and the type of
// what came, and never the value.
//
// Planted faults, each red before it was taken out again:
// - parsed without IN_OUR_WORDS -> every row
// - the type of a union not looked at -> the nearest form
// - the value told instead of its type -> secrets
import { expect, test } from "vitest";
import { z } from "zod";
import { IN_OUR_WORDS, invalidInput } from "../../src/operations/input-problems.ts";

function details(schema: z.ZodType, given: unknown): readonly string[] {
  const { error } = schema.safeParse(given, IN_OUR_WORDS);
  if (error === undefined) throw new Error("the value was taken");
  return invalidInput(error).details.map(({ field, message }) => `${field}: ${message}`);
}

const UUID = "a UUID, like 01890a5d-ac96-774b-bcce-b302099a8057";
const VALUES: readonly (readonly [schema: z.ZodType, given: unknown, message: string])[] = [
  [z.string(), undefined, "is required and must be text"],
  [z.string(), 5, "must be text; got a number"],
  [z.string(), null, "must be text; got null"],
  [z.number(), "5", "must be a finite number; got text"],
  [z.number(), Number.POSITIVE_INFINITY, "must be a finite number"],
  [z.int(), 1.5, "must be a whole number"],
  [z.boolean(), "true", "must be true or false; got text"],
  [z.array(z.string()), {}, "must be a list; got an object"],
  [z.object({}), [], "must be an object; got a list"],
  [z.enum(["low", "high"]), "middle", "must be one of low, high"],
  [z.enum(["low", "high"]), true, "must be one of low, high; got a boolean"],
  [z.literal("on"), "off", "must be on"],
  [z.uuid(), "x", `must be ${UUID}`],
  [z.email(), "x", "must be an address of e-mail, like ada@example.org"],
  [z.iso.datetime(), "x", "must be an instant, like 2026-12-01T00:00:00Z"],
  [z.iso.date(), "x", "must be a date, like 2026-12-01"],
  [z.string().min(1), "", "must not be empty"],
  [z.string().min(3), "a", "must have at least 3 characters"],
  [z.string().max(1), "ab", "must have at most 1 character"],
  [z.string().length(2), "a", "must have exactly 2 characters"],
  [z.array(z.string()).max(1), ["a", "b"], "must have at most 1 entry"],
  [z.number().min(3), 1, "must be at least 3"],
  [z.number().positive(), 0, "must be more than 0"],
  [z.number().lt(3), 3, "must be less than 3"],
  [z.number().multipleOf(5), 3, "must be a multiple of 5"],
  [z.string().regex(/^A/), "b", "must match /^A/"],
  [z.string().startsWith("WO-"), "b", 'must begin with "WO-"'],
  [z.string().refine(() => false), "b", "is not valid"],
  [z.never(), 1, "is not allowed"],
  [
    z.union([z.string(), z.number()]),
    true,
    "must be text; got a boolean; or must be a finite number; got a boolean",
  ],
  [z.string("Say which."), 5, "Say which."],
  [z.string().min(3, "Too short."), "a", "Too short."],
];

test.each(VALUES)(
  "%# what is wrong is told in our words, unless the schema has its own",
  (...row) => {
    const [schema, given, message] = row;
    expect(details(z.object({ at: schema }), { at: given })).toEqual([`at: ${message}`]);
  },
);

test("the place is that of the value, in lists by its number", () => {
  const lines = z.array(z.strictObject({ count: z.int(), part: z.string().optional() }));
  const order = z.strictObject({ lines, note: z.string() });
  expect(details(order, { lines: [{ count: 1 }, { count: "2", prat: "x" }] })).toEqual([
    "lines[1].count: must be a whole number; got text",
    "lines[1].prat: is not known here; allowed: count, part; did you mean part?",
    "note: is required and must be text",
  ]);
  expect(details(order, 7)).toEqual(["body: must be an object; got a number"]);
  expect(details(z.strictObject({}), { a: 1 })).toEqual(["a: is not known here; allowed: nothing"]);
});

test("of several forms the one of the same type is told, and what names a form", () => {
  const point = z.strictObject({ x: z.number(), y: z.number() });
  const at = z.object({ at: z.union([z.string(), point]) });
  expect(details(at, { at: { x: 1, y: "2" } })).toEqual([
    "at.y: must be a finite number; got text",
  ]);
  const named = z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("a") }),
    z.object({ kind: z.literal("b") }),
  ]);
  expect(details(named, { kind: "c" })).toEqual(["kind: must be one of a, b"]);
});

test("secrets: no message holds the value", () => {
  const secret = "hunter2hunter2";
  const schemas = [...VALUES.map(([schema]) => schema), z.record(z.string().max(2), z.string())];
  for (const schema of schemas) {
    for (const given of [secret, [secret], { a: secret }]) {
      const { error } = z.object({ at: schema }).safeParse({ at: given }, IN_OUR_WORDS);
      if (error) expect(JSON.stringify(invalidInput(error).details)).not.toContain(secret);
    }
  }
});
