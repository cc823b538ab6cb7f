// Answers to "renamed, or dropped and created?", in the words of drizzle-kit: what kind of thing,
// and its path from the schema down. Where a table and its column are both renamed, drizzle-kit
// expects the table's new name on either side of the column's hint.

type Path = readonly string[];

export type MigrationHint =
  | { readonly type: "rename"; readonly kind: string; readonly from: Path; readonly to: Path }
  | { readonly type: "create"; readonly kind: string; readonly entity: Path };

/** The name that something has after the given renames of its kind. */
export function renamedPath(kind: string, path: Path, hints: readonly MigrationHint[]): Path {
  for (const hint of hints) {
    if (hint.type === "rename" && hint.kind === kind && isSame(hint.from, path)) return hint.to;
  }
  return path;
}

/** The renames of the way back. What was created has no counterpart there: it is dropped. */
export function reverseHints(hints: readonly MigrationHint[]): readonly MigrationHint[] {
  const swapped = hints.flatMap((hint) =>
    hint.type === "rename" ? [{ ...hint, from: hint.to, to: hint.from }] : [],
  );
  return swapped.map((hint) => ({
    ...hint,
    from: inRenamedTable(hint.from, swapped),
    to: inRenamedTable(hint.to, swapped),
  }));
}

function inRenamedTable(path: Path, hints: readonly MigrationHint[]): Path {
  const [schema, table, ...rest] = path;
  if (schema === undefined || table === undefined || rest.length === 0) return path;
  return [...renamedPath("table", [schema, table], hints), ...rest];
}

function isSame(a: Path, b: Path): boolean {
  return a.length === b.length && a.every((part, index) => part === b[index]);
}
