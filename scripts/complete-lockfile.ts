// Completes package-lock.json after `npm install`. npm leaves out an optional package of another
// platform when the registry in use lacks that version, and `npm ci` then refuses the lockfile on
// every machine. The entry written here has no checksum; a platform that has it keeps npm's own.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runIfMain } from "./is-main.ts";
import { ROOT } from "./repository-files.ts";

export interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export type LockPackages = Readonly<Record<string, LockEntry>>;

interface Gap {
  readonly name: string;
  readonly version: string;
  readonly dev: boolean;
}

const SYSTEMS = ["aix", "android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const PROCESSORS = ["arm", "arm64", "ia32", "loong64", "ppc64", "riscv64", "s390x", "x64"];

/** The optional packages that some entry names and that no entry describes. */
export function findGaps(packages: LockPackages): Gap[] {
  const gaps = new Map<string, Gap>();
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isDescribed(packages, path, name)) continue;
      gaps.set(name, { name, version, dev: entry.dev ?? false });
    }
  }
  return [...gaps.values()];
}

function isDescribed(packages: LockPackages, from: string, name: string): boolean {
  let folder = from;
  while (folder !== "") {
    if (`${folder}/node_modules/${name}` in packages) return true;
    const parent = folder.lastIndexOf("/node_modules/");
    folder = parent === -1 ? "" : folder.slice(0, parent);
  }
  return `node_modules/${name}` in packages;
}

/** The entry that npm would have written, but for the checksum. Platforms are read off the name. */
export function entryFor({ name, version, dev }: Gap): object {
  const words = name.slice(name.indexOf("/") + 1).split("-");
  const os = words.filter((word) => SYSTEMS.includes(word));
  const cpu = words.filter((word) => PROCESSORS.includes(word));
  if (os.length === 0 || cpu.length === 0) {
    throw new Error(`${name}: its platform cannot be read off its name; lock it by hand`);
  }
  const isMusl = words.some((word) => word.startsWith("musl"));
  const libc = os.includes("linux") ? { libc: [isMusl ? "musl" : "glibc"] } : {};
  return { version, cpu, ...(dev ? { dev } : {}), ...libc, optional: true, os };
}

function complete(path: string): number {
  const lock: { packages: Record<string, object> } = JSON.parse(readFileSync(path, "utf8"));
  const gaps = findGaps(lock.packages);
  for (const gap of gaps) lock.packages[`node_modules/${gap.name}`] = entryFor(gap);
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en"));
  const text = JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2);
  if (gaps.length > 0) writeFileSync(path, `${text}\n`);
  return gaps.length;
}

await runIfMain(import.meta.url, async () => {
  const added = complete(process.argv[2] ?? join(ROOT, "package-lock.json"));
  process.stdout.write(`${added} optional packages of other platforms added to the lockfile\n`);
});
