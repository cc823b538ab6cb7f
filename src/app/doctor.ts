// What may be wrong around a project, looked at one thing after the other: versions, settings, the
// declaration, the port, the database. Changes nothing: an embedded server that is there and does
// not run is started for the look and stopped again; one that is not there is not made.
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { SETTING_NAMES } from "../base/setting-table.ts";
import {
  type Environment,
  type Mode,
  modeOf,
  readSettings,
  type Settings,
} from "../base/settings.ts";
import { isNearly } from "../base/spelling.ts";
import { openExistingDatabase } from "./databases.ts";
import { examineDatabase } from "./doctor-database.ts";
import { attempt, type Finding, ok, type Tell } from "./finding.ts";
import { tooOld } from "./node-version.ts";
import { hasPendingChanges } from "./pending-changes.ts";
import { loadProject, type Project } from "./project.ts";
import { DEFAULT_PORTS } from "./serve.ts";
import { backwrightVersion } from "./version.ts";

/** Tells every finding as soon as it is there; what needs a step that failed is left out. */
export async function examine(
  folder: string,
  environment: Environment,
  tell: Tell,
  onProgress: (message: string) => void,
): Promise<void> {
  tell(nodeVersion(process.versions.node));
  tell(ownVersion(folder, backwrightVersion()));
  const settings = await attempt("settings", tell, async () => {
    const mode = modeOf(environment);
    const read = readSettings(environment, mode);
    const { BACKWRIGHT_ENV: name = mode } = environment;
    tell(name !== "development" && mode === "development" ? lackAddress(name) : complete(mode));
    return read;
  });
  for (const finding of unknownSettings(environment)) tell(finding);
  const project = await attempt("backend", tell, async () => {
    const loaded = await loadProject(folder);
    const { size } = loaded.model.resources;
    tell(ok("backend", `${loaded.backend.name}: ${size} ${size === 1 ? "resource" : "resources"}`));
    return loaded;
  });
  if (project !== undefined) await examineTables(project, tell);
  if (settings === undefined) return;
  await examinePort(settings, tell);
  if (project === undefined) return;
  const database = await attempt("database", tell, async () => {
    const found = await openExistingDatabase(project, settings, onProgress);
    if (found === undefined) {
      const fix = "npx backwright dev, which makes it and writes the demo data";
      tell({ about: "database", level: "warning", message: "there is none yet", fix });
    }
    return found;
  });
  if (database === undefined) return;
  try {
    await examineDatabase(project, settings, database, tell);
  } finally {
    await database.release();
  }
}

const complete = (mode: Mode): Finding => ok("settings", `are complete for ${mode}`);

/** Without an address every command but `start` takes the embedded server, whatever the name. */
function lackAddress(name: string): Finding {
  const message = `of ${name} have no DATABASE_URL: \`start\` would refuse them`;
  const fix = `DATABASE_URL and SECRET_KEY in the environment, or in .env.${name}.local`;
  return { about: "settings", level: "warning", message, fix };
}

export function nodeVersion(version: string): Finding {
  const found = tooOld(version);
  return found === undefined ? ok("Node", version) : { about: "Node", level: "failure", ...found };
}

// Shorter names (PORT, HOST) are near too many of others.
const LENGTH_MIN = 5;

/** Variables that look like ours and are not read: a setting that is silently not in force. */
export function unknownSettings(environment: Environment): readonly Finding[] {
  return Object.keys(environment).flatMap((name) => {
    if (SETTING_NAMES.some((known) => known === name)) return [];
    const meant = SETTING_NAMES.find(
      (known) => known.length >= LENGTH_MIN && isNearly(name, known),
    );
    if (meant === undefined) return [];
    const message = `${name} is not a setting; did you mean ${meant}?`;
    return [{ about: "settings", level: "warning", message } as const];
  });
}

/** Of another copy than the project's, the two do not know each other's declarations. */
export function ownVersion(folder: string, version: string): Finding {
  const about = "backwright";
  for (let at = resolve(folder); ; at = dirname(at)) {
    const found = installedVersion(at);
    if (found === version || (found === undefined && at === dirname(at))) return ok(about, version);
    if (found === undefined) continue;
    const message = `this is ${version}, but the project has ${found}`;
    return { about, level: "warning", message, fix: "npx backwright doctor" };
  }
}

function installedVersion(folder: string): string | undefined {
  try {
    const text = readFileSync(join(folder, "node_modules/backwright/package.json"), "utf8");
    return (JSON.parse(text) as { version?: string }).version;
  } catch {
    return undefined; // Not installed there.
  }
}

/** What is declared beside what the migrations make. */
async function examineTables(project: Project, tell: Tell): Promise<void> {
  const about = "tables";
  const findings: Finding[] = [];
  const isAhead = await attempt(
    about,
    (finding) => findings.push(finding),
    () => hasPendingChanges(project),
  );
  // A start does not depend on it.
  for (const finding of findings) tell({ ...finding, level: "warning" });
  if (isAhead === undefined) return;
  if (!isAhead) tell(ok(about, "are those of the last migration"));
  else {
    const message = "are declared otherwise than in the last migration";
    tell({ about, level: "warning", message, fix: "npx backwright migrate new <name>" });
  }
}

async function examinePort({ host, port }: Settings, tell: Tell): Promise<void> {
  if (port === 0) {
    tell(ok("port", "any that is free"));
    return;
  }
  const { first, last } = DEFAULT_PORTS;
  let code: string | undefined;
  for (let candidate = port ?? first; candidate <= (port ?? last); candidate += 1) {
    code = await refusalOf(host, candidate);
    if (code === undefined) {
      tell(ok("port", `${host}:${candidate} is free`));
      return;
    }
  }
  const which = port === undefined ? `any of ${first} to ${last}` : `${host}:${port}`;
  const message = `cannot listen on ${which}: ${code}`;
  const fix = "Stop what listens there, or set PORT.";
  tell({ about: "port", level: "failure", message, fix });
}

function refusalOf(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
