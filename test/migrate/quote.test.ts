import { afterAll, beforeAll, expect, test } from "vitest";
import { quoteIdentifier, quoteLiteral, quoteQualified } from "../../src/sql/quote.ts";
import { createScratch, type Scratch } from "./scratch.ts";

let scratch: Scratch;
beforeAll(async () => {
  scratch = await createScratch();
});
afterAll(() => scratch.drop());

const TEXTS = [
  "plain",
  "it's",
  "''; drop table x; --",
  'say "hi"',
  "back\\slash\\'",
  "\\",
  "$1 $$ :name",
  "line\nend\ttab",
  "ä🐘",
];

test.each(TEXTS)("PostgreSQL reads the constant and the name %j back unchanged", async (text) => {
  for (const conforming of ["on", "off"]) {
    await scratch.owner.query(`set standard_conforming_strings = ${conforming}`);
    const [row] = await scratch.owner.query<Record<string, string>>(
      `select ${quoteLiteral(text)} as ${quoteIdentifier(text)}`,
    );
    expect(row).toEqual({ [text]: text });
  }
  // Planted fault: leave backslashes alone -> red with the setting off.
});

test("what PostgreSQL cannot hold is refused before it is sent", () => {
  expect(() => quoteLiteral("a\0b")).toThrow(TypeError);
  expect(() => quoteIdentifier("a\0b")).toThrow(TypeError);
  expect(() => quoteIdentifier("")).toThrow(TypeError);
});

test("a qualified name quotes both parts", () => {
  expect(quoteQualified('a"b', "c.d")).toBe('"a""b"."c.d"');
  expect(quoteQualified(null, "c")).toBe('"c"');
});
