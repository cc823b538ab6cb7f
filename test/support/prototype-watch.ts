// Says which of the built-in prototypes are no longer what they were.

const WATCHED = [Object, Array, Function, String, Number, Boolean, Map, Promise];

/** Remembers the prototypes as they are now. The answer names the changed, such as "Object". */
export function watchPrototypes(): () => readonly string[] {
  const watched = WATCHED.map(({ name, prototype }) => {
    return { name, prototype, own: Object.getOwnPropertyDescriptors(prototype) };
  });
  return () => watched.filter((one) => isChanged(one.prototype, one.own)).map(({ name }) => name);
}

function isChanged(prototype: object, own: object): boolean {
  const keys = [...new Set([...Reflect.ownKeys(prototype), ...Reflect.ownKeys(own)])];
  return keys.some((key) => {
    // `own` is an object, too: it would inherit what was put on Object.prototype.
    const before = Object.hasOwn(own, key)
      ? (Reflect.get(own, key) as PropertyDescriptor)
      : undefined;
    const after = Object.getOwnPropertyDescriptor(prototype, key);
    // drizzle-kit adds methods to arrays; what comes with a request is never a function.
    if (before === undefined) return typeof after?.value !== "function";
    return before.value !== after?.value || before.get !== after?.get;
  });
}
