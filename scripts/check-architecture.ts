// The rules of the house over the files of src/: which folder may import which, which package
// belongs to which folder, no circles between files, no fields by name. Pure: takes texts, returns
// violations.
import { posix } from "node:path";
import { type ImportedModule, importsOf, lineAt, maskText } from "./source-text.ts";

/** The part of src/layers.ts that the rules need. */
export interface LayerRule {
  readonly folder: string;
  readonly owns?: readonly string[];
  readonly face?: true;
  readonly typesOnly?: true;
}

export interface House {
  /** Highest first: a folder imports only folders before it. */
  readonly layers: readonly LayerRule[];
  /** Files that may stand directly in src/. */
  readonly rootFiles: readonly string[];
}

/** Text by path inside src/, with slashes: "model/define.ts". */
export type SourceFiles = ReadonlyMap<string, string>;

interface Edge extends ImportedModule {
  readonly from: string;
  /** A path inside src/, for relative imports. */
  readonly to: string;
}

/** Every violation as one sentence that names the file and the line; empty when all is well. */
export function checkArchitecture(files: SourceFiles, house: House): string[] {
  const problems = [...files.keys()].flatMap((path) => checkPlace(path, house));
  const edges: Edge[] = [];
  for (const [from, text] of files) {
    for (const imported of importsOf(text)) {
      const to = posix.join(posix.dirname(from), imported.specifier);
      const edge = { ...imported, from, to };
      const isRelative = /^\.{1,2}\//.test(imported.specifier);
      if (isRelative && files.has(to)) edges.push(edge);
      const found = isRelative ? checkRelative(edge, files, house) : checkPackage(edge, house);
      if (found) problems.push(`src/${from}:${imported.line}: ${found}`);
    }
    problems.push(...checkFieldNames(from, text));
  }
  return [...problems, ...findCircles(edges)];
}

function checkPlace(path: string, house: House): string[] {
  const folder = folderOf(path);
  if (folder === "") {
    return house.rootFiles.includes(path) ? [] : [`src/${path}: only folders stand in src/`];
  }
  if (house.layers.some((layer) => layer.folder === folder)) return [];
  return [`src/${path}: the folder "${folder}" is not listed in src/layers.ts`];
}

function checkRelative(edge: Edge, files: SourceFiles, house: House): string | undefined {
  if (edge.to.startsWith("..")) return `imports ${edge.specifier}, which is outside src/`;
  if (!files.has(edge.to)) return `imports ${edge.specifier}, which is not there`;
  const [from, to] = [folderOf(edge.from), folderOf(edge.to)];
  // The doors of the package see everything; nothing inside goes back through a door.
  if (from === "") return undefined;
  if (to === "") return `imports src/${edge.to}; files in src/ itself are for the outside`;
  if (from === to) return undefined;
  const own = house.layers.find((layer) => layer.folder === from);
  const other = house.layers.find((layer) => layer.folder === to);
  if (!own || !other) return undefined;
  if (own.face && other.face) return `imports ${edge.to}; faces never import each other`;
  if (house.layers.indexOf(own) < house.layers.indexOf(other)) {
    return `imports ${edge.to}; "${to}" stands below "${from}" in src/layers.ts`;
  }
  if (own.typesOnly && !edge.typeOnly) {
    return `imports ${edge.to} at run time; "${from}" may import types only`;
  }
  return undefined;
}

function checkPackage(edge: Edge, house: House): string | undefined {
  const { specifier } = edge;
  if (specifier.startsWith("node:")) return undefined;
  if (specifier === "backwright" || specifier.startsWith("backwright/")) {
    return `imports ${specifier}; inside src/ paths are relative`;
  }
  const folder = folderOf(edge.from);
  const owner = house.layers.find((layer) => layer.owns?.some((name) => names(specifier, name)));
  if (!owner || owner.folder === folder) return undefined;
  return `imports ${specifier}; only src/${owner.folder}/ does`;
}

// An older version of the API may omit any field but the id: a name finds nothing there.
const FIELD_BY_NAME = /(?:\bfieldOf\([^()"]*,\s*|\bfields\.get\()"(?!id")(\w+)"/g;

function checkFieldNames(path: string, text: string): string[] {
  if (folderOf(path) === "model") return [];
  const { withoutComments } = maskText(text);
  return [...withoutComments.matchAll(FIELD_BY_NAME)].map(
    ({ index, 1: name }) =>
      `src/${path}:${lineAt(text, index)}: looks up the field "${name}" by its name, which a ` +
      "version may not have; let TableModel hold it",
  );
}

function names(specifier: string, owned: string): boolean {
  return specifier === owned || specifier.startsWith(`${owned}/`);
}

function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : "";
}

/** One violation per set of files that reach each other, types included. */
function findCircles(edges: readonly Edge[]): string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const reported = new Set<string>();
  const problems: string[] = [];
  for (const start of next.keys()) {
    if (reported.has(start)) continue;
    const circle = shortestWayBack(start, next);
    if (!circle) continue;
    for (const path of circle) reported.add(path);
    problems.push(`src/${[...circle, start].join(" -> ")}: imports go in a circle`);
  }
  return problems;
}

function shortestWayBack(
  start: string,
  next: ReadonlyMap<string, readonly string[]>,
): string[] | undefined {
  const queue: string[][] = [[start]];
  const seen = new Set<string>();
  for (let way = queue.shift(); way; way = queue.shift()) {
    for (const to of next.get(way.at(-1) ?? "") ?? []) {
      if (to === start) return way;
      if (seen.has(to)) continue;
      seen.add(to);
      queue.push([...way, to]);
    }
  }
  return undefined;
}
