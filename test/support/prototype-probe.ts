// vitest setup file (check 35): the backend runs in the tests' own process, so a key of a request
// that reached a prototype would be seen here, whichever test sent it.
// Planted: a merge of the body into {} by `target[key][inner] = value` in parseBody -> red, here
// alone where the member is not enumerable.
import { afterEach } from "vitest";
import { watchPrototypes } from "./prototype-watch.ts";

const changedPrototypes = watchPrototypes();

afterEach(() => {
  const [changed] = changedPrototypes();
  if (changed !== undefined) throw new Error(`${changed}.prototype was changed`);
});
