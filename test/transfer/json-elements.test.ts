// A JSON array is cut into its elements wherever the pieces of the file end, and one element alone
// is in memory, of a bounded length.
import { describe, expect, test } from "vitest";
import { JsonElements } from "../../src/transfer/json-elements.ts";

/** The elements of a document that comes in pieces of a length. */
function elementsOf(text: string, length: number, lengthMax = 1_000): readonly string[] {
  const elements = new JsonElements(lengthMax);
  const found: string[] = [];
  for (let at = 0; at < text.length; at += length) {
    found.push(...elements.take(text.slice(at, at + length)));
  }
  elements.end();
  return found;
}

describe("the elements of a JSON array", () => {
  // Planted: escapes forgotten between two pieces -> red.
  test("are what JSON.parse finds, in pieces of any length", () => {
    const values = [{ a: '"],[{', b: ["\\", '\\"', { c: [] }] }, 1, null, "x,y", [], [[{}], ","]];
    for (const indent of [undefined, 2]) {
      const text = `\n ${JSON.stringify(values, null, indent)} \n`;
      for (const length of [1, 2, 3, 7, 1_000]) {
        const found = elementsOf(text, length);
        expect(found.map((one) => JSON.parse(one) as unknown)).toEqual(values);
      }
    }
    expect(elementsOf(" [ ] ", 1)).toEqual([]);
  });

  test.each([
    ["", /not a JSON array/],
    ['{"a": 1}', /not a JSON array/],
    ["[1", /does not end/],
    ['["a]', /does not end/],
    ["[1] [2]", /follows/],
    ["[1],", /not a JSON array/],
    ["[1,]", /not JSON/],
    ["[,1]", /not JSON/],
    ["[1,,2]", /not JSON/],
    ["[1}", /not JSON/],
  ])("are not found in %j", (text, expected) => {
    expect(() => elementsOf(text, 2)).toThrow(expected);
  });

  // Planted: no bound -> red (a file of one record would be in memory as a whole).
  test("have a length that is bounded, and what follows a longer one is found", () => {
    const long = `"${"x".repeat(500)}"`;
    expect(elementsOf(`[${long}, ${long}, ${long}]`, 64, 600)).toHaveLength(3);
    const lengths = (text: string) => elementsOf(text, 64, 400).map(({ length }) => length);
    expect(lengths(`[${long}, 1]`)).toEqual([401, 2]);
    expect(lengths(`[1,{"a": ${long}, "b": [${long}]}]`)).toEqual([1, 401]);
    expect(lengths(`[1,${" ".repeat(600)}2]`)).toEqual([1, 401]);
    expect(lengths(`[${" ".repeat(600)}2]`)).toEqual([401]);
  });
});
