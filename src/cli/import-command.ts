// `backwright import`: a file's records through operations, as the holder of a key.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { commandSettings } from "../app/databases.ts";
import { operate } from "../app/operate.ts";
import { loadProject } from "../app/project.ts";
import { BackwrightError, StartError } from "../base/errors.ts";
import { repeatedName } from "../base/exact-json.ts";
import { fileFailure } from "../base/file-failure.ts";
import { createLog } from "../observe/log.ts";
import { STDIN, sizeOf } from "../transfer/file-text.ts";
import { type Format, formatOf, readRecords } from "../transfer/read-records.ts";
import { RejectsFile } from "../transfer/rejects-file.ts";
import { compileMapping } from "../transfer/row-plan.ts";
import { type ImportOutcome, runImport } from "../transfer/run-import.ts";
import { actorOf, keyOf, type WhoOptions } from "./caller-key.ts";
import { print, printJson, progress } from "./output.ts";
import { ImportProgress } from "./transfer-progress.ts";

export interface ImportFileOptions extends WhoOptions {
  readonly map: string;
  readonly format?: Format;
  readonly dryRun?: boolean;
  readonly rejects?: string;
  readonly json?: boolean;
}

const EXIT = { rejected: 1, interrupted: 130 } as const;
const NO_KEY =
  "The mapping has no key: a repeat is recognised for 24 hours, while the file stays as it is.";
const REPEAT = "The same command goes on where this one stopped: what is there is left alone.";

/** Sets the exit code: 1 where records were rejected, 130 after Ctrl-C. Throws StartError. */
export async function importFile(
  folder: string,
  resource: string,
  path: string,
  options: ImportFileOptions,
): Promise<void> {
  const project = await loadProject(folder);
  const format = options.format ?? formatOf(path);
  const plan = compileMapping(await readMapping(options.map), project.model, resource, format);
  const size = await sizeOf(path);
  const key = await keyOf(project, options);
  const running = await operate(project, commandSettings(), createLog("warn"), progress);
  try {
    const actor = actorOf(running, key);
    const isDryRun = options.dryRun === true;
    const rejects = new RejectsFile(rejectsPath(path, format, options), format, plan.file.exact);
    const shown = new ImportProgress(size);
    const stop = stopOnSignal();
    let outcome: ImportOutcome | undefined;
    try {
      await actor();
      if (plan.key.length === 0 && !isDryRun) progress(NO_KEY);
      outcome = await runImport({
        context: running.context,
        plan,
        records: readRecords(path, format, plan.file, stop),
        actor,
        isDryRun,
        stop,
        onRejected: (some) => rejects.write(some),
        onProgress: (so, bytes) => {
          outcome = so;
          shown.advanced(so, bytes);
        },
      });
    } catch (error) {
      throw stopped(error, stop);
    } finally {
      await rejects.close();
      shown.clear();
      const file = rejects.hasRecords ? rejects.path : null;
      if (options.json === true) printJson({ ...shown.figures(outcome, isDryRun), rejects: file });
      else {
        if (outcome !== undefined) print(shown.summary(outcome, isDryRun));
        if (file !== null) print(`Rejected records, with the reasons: ${file}`);
      }
      if (rejects.earlier !== undefined) {
        progress(`Those of an earlier run are in ${rejects.earlier} now.`);
      }
    }
    if (outcome.rejected > 0) process.exitCode = EXIT.rejected;
  } finally {
    await running.stop();
  }
}

async function readMapping(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw fileFailure(`The mapping ${path}`, cause, "--map with a file of JSON");
  });
  try {
    const json = text.replace(/^\uFEFF/, "");
    const mapping = JSON.parse(json) as unknown;
    const name = repeatedName(json);
    if (name === undefined) return mapping;
    throw new StartError(`The mapping ${path} names "${name}" twice in one object.`, {
      fix: "Keep one of them.",
    });
  } catch (cause) {
    if (cause instanceof StartError) throw cause;
    const where = /line (\d{1,9}) column (\d{1,9})/.exec(String(cause));
    const at = where === null ? "" : `, at line ${where[1]}, column ${where[2]}`;
    throw new StartError(`The mapping ${path} is not JSON${at}.`, {
      fix: "Correct it there, and run the same command again.",
      cause,
    });
  }
}

/** Throws StartError where the rejected records would take the place of the file itself. */
function rejectsPath(path: string, format: Format, { rejects }: ImportFileOptions): string {
  if (rejects === undefined) {
    const ending = format === "csv" ? "csv" : "ndjson";
    return `${path === STDIN ? "stdin" : path}.rejected.${ending}`;
  }
  if (resolve(rejects) !== resolve(path)) return rejects;
  throw new StartError("--rejects names the file that is imported.", {
    fix: "Name another file, or leave it out.",
  });
}

function stopped(error: unknown, stop: AbortSignal): unknown {
  if (stop.aborted) {
    process.exitCode = EXIT.interrupted;
    return new StartError("Interrupted. Nothing is half done.", { fix: REPEAT });
  }
  if (!(error instanceof BackwrightError)) return error;
  const details = error.details.map(({ field, message }) => `${field} ${message}`).join(", ");
  const told = error.status === 503 ? "PostgreSQL is away or too busy." : error.message;
  const text = details === "" ? told : `${told} (${details})`;
  return new StartError(`The import stopped: ${text}`, { fix: REPEAT, cause: error });
}

const REPEATED_SIGNAL_NS = 300_000_000n;

/** The first signal ends the import between two stretches, the second at once. */
function stopOnSignal(): AbortSignal {
  const stopping = new AbortController();
  let firstAt: bigint | undefined;
  const onSignal = (): void => {
    const at = process.hrtime.bigint();
    firstAt ??= at;
    if (!stopping.signal.aborted) {
      progress("Stopping after what is being written…");
      stopping.abort();
    } else if (at - firstAt > REPEATED_SIGNAL_NS) {
      // npm repeats the terminal's signal a moment later; this is a second one.
      process.exit(EXIT.interrupted);
    }
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return stopping.signal;
}
