// Which name somebody meant who wrote another one.
import { expect, test } from "vitest";
import { didYouMean, editDistance, nearest } from "../../src/base/nearest.ts";

// Planted: exchanged letters counted as two -> red.
test.each([
  ["title", "title", 0],
  ["titel", "title", 1],
  ["tite", "title", 1],
  ["titlle", "title", 1],
  ["tidle", "title", 1],
  ["", "abc", 3],
  ["kitten", "sitting", 3],
])("from %s to %s it is %i", (given, known, distance) => {
  expect(editDistance(given, known)).toBe(distance);
  expect(editDistance(known, given)).toBe(distance);
});

test("the nearest name is one that is near, by letters or as a part", () => {
  const known = ["column", "timeZone", "title", "external_id"];
  expect(nearest("zone", known)).toBe("timeZone");
  expect(nearest("Titel", known)).toBe("title");
  expect(nearest("externalId", known)).toBe("external_id");
  expect(nearest("quantity", known)).toBeUndefined();
  expect(nearest("x".repeat(1_000_000), known)).toBeUndefined();
  expect([didYouMean("colum", known), didYouMean("", known)]).toEqual([
    ' Did you mean "column"?',
    "",
  ]);
});
