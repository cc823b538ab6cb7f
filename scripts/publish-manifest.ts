// The package.json that is published: the repository's own without what only works inside it.
// Pure.

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly [field: string]: unknown;
}

/** The condition under which the repository's own code is imported from src/. */
export const SOURCE_CONDITION = "backwright-source";

// `private` guards the repository against a publish that leaves this step out.
const INSIDE_ONLY = ["private", "devDependencies", "scripts", "workspaces"];

/** The manifest for the registry: no development fields, no way into src/. */
export function publishManifest(manifest: Manifest): Manifest {
  const kept = Object.entries(manifest).filter(([field]) => !INSIDE_ONLY.includes(field));
  const { name, version } = manifest;
  const exports = Object.fromEntries(
    Object.entries(manifest.exports).map(([path, target]) => [path, withoutSource(target)]),
  );
  return { ...Object.fromEntries(kept), name, version, exports };
}

function withoutSource(target: Manifest["exports"][string]): Manifest["exports"][string] {
  if (typeof target === "string") return target;
  const kept = Object.entries(target).filter(([condition]) => condition !== SOURCE_CONDITION);
  return Object.fromEntries(kept);
}
