// Leaves out of the OpenAPI document's components what nothing refers to, so that a role is told of
// no schema that it has no use for.
type Json = Readonly<Record<string, unknown>>;
type Components = Readonly<Record<string, Json>>;

const REFERENCE = '"$ref":"#/components/';

/** The components that are reached from the paths; those in `always` stay in any case. */
export function usedComponents(
  paths: Json,
  components: Components,
  always: readonly string[],
): Components {
  const used = new Set<string>();
  const visit = (value: unknown): void => {
    for (const rest of JSON.stringify(value).split(REFERENCE).slice(1)) {
      const [kind = "", name = ""] = rest.slice(0, rest.indexOf('"')).split("/");
      if (used.has(`${kind}/${name}`)) continue;
      used.add(`${kind}/${name}`);
      visit(components[kind]?.[name] ?? null);
    }
  };
  visit(paths);
  return Object.fromEntries(
    Object.entries(components).map(([kind, entries]) => {
      const isKept = (name: string): boolean =>
        always.includes(name) || used.has(`${kind}/${name}`);
      return [kind, Object.fromEntries(Object.entries(entries).filter(([name]) => isKept(name)))];
    }),
  );
}
