// vitest setup file (check 35): the backend runs in the tests' own process, so a key of a request
// that reached a prototype would be seen here, whichever test sent it.
// Planted: a merge of the body into {} by `target[key][inner] = value` in parseBody -> red.
import { afterEach } from "vitest";

const WATCHED = [Object, Array, Function, String, Number, Boolean, Map, Promise].map(
  ({ prototype }) => ({ prototype, own: Object.getOwnPropertyDescriptors(prototype) }),
);

afterEach(() => {
  for (const { prototype, own } of WATCHED) {
    const keys = [...new Set([...Reflect.ownKeys(prototype), ...Reflect.ownKeys(own)])];
    const wasChanged = keys.some((key) => {
      const before = Reflect.get(own, key) as PropertyDescriptor | undefined;
      const after = Object.getOwnPropertyDescriptor(prototype, key);
      // drizzle-kit adds methods to arrays; what comes with a request is never a function.
      if (before === undefined && typeof after?.value === "function") return false;
      return before?.value !== after?.value || before?.get !== after?.get;
    });
    if (wasChanged) throw new Error(`${prototype.constructor.name}.prototype was changed`);
  }
});
