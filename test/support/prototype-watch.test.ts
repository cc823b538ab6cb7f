// The probe behind every test can fail: it sees what a request could leave on a prototype. Each
// test takes its change back before the probe itself looks.
import { expect, test } from "vitest";
import { watchPrototypes } from "./prototype-watch.ts";

const polluted = (
  target: object,
  key: string,
  descriptor: PropertyDescriptor,
): readonly string[] => {
  const changed = watchPrototypes();
  const before = Object.getOwnPropertyDescriptor(target, key);
  try {
    Object.defineProperty(target, key, { configurable: true, ...descriptor });
    return changed();
  } finally {
    Reflect.deleteProperty(target, key);
    if (before !== undefined) Object.defineProperty(target, key, before);
  }
};

// Planted: own properties of the start alone compared -> red; values not compared -> red.
test.each<[string, object, string, PropertyDescriptor, readonly string[]]>([
  ["a member that was not there", Object.prototype, "isAdmin", { value: true }, ["Object"]],
  ["one of null", Array.prototype, "role", { value: null }, ["Array"]],
  ["a method that is another value now", Object.prototype, "toString", { value: "x" }, ["Object"]],
  ["a getter", String.prototype, "role", { get: () => "admin" }, ["String"]],
  ["a descriptor", Object.prototype, "x", { value: { value: 1 } }, ["Object"]],
  ["a new method, which is a library's", Object.prototype, "random", { value: () => 4 }, []],
  ["one of lists", Array.prototype, "random", { value: () => 4 }, []],
])("%s is seen for what it is", (_what, target, key, descriptor, expected) => {
  expect(polluted(target, key, descriptor)).toEqual(expected);
});

test("a method that is gone is seen, and prototypes left alone are not", () => {
  const changed = watchPrototypes();
  expect(changed()).toEqual([]);
  const method = Object.getOwnPropertyDescriptor(Map.prototype, "forEach") as PropertyDescriptor;
  try {
    Reflect.deleteProperty(Map.prototype, "forEach");
    expect(changed()).toEqual(["Map"]);
  } finally {
    Object.defineProperty(Map.prototype, "forEach", method);
  }
});
