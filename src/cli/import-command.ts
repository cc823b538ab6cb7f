// `backwright import`: a file's records through operations, as the holder of a key.
import { open, readFile } from "node:fs/promises";
import { commandSettings } from "../app/databases.ts";
import { operate } from "../app/operate.ts";
import { loadProject } from "../app/project.ts";
import { BackwrightError, StartError } from "../base/errors.ts";
import { fileFailure } from "../base/file-failure.ts";
import { createLog } from "../observe/log.ts";
import { type Format, formatOf, readRecords } from "../transfer/read-records.ts";
import { RejectsFile } from "../transfer/rejects-file.ts";
import { compileMapping } from "../transfer/row-plan.ts";
import { type ImportOutcome, runImport } from "../transfer/run-import.ts";
import { actorOf, keyOf, type WhoOptions } from "./caller-key.ts";
import { ImportProgress } from "./import-progress.ts";
import { print, printJson, progress } from "./output.ts";

export interface ImportFileOptions extends WhoOptions {
  readonly map: string;
  readonly format?: Format;
  readonly dryRun?: boolean;
  readonly rejects?: string;
  readonly json?: boolean;
}

const EXIT = { rejected: 1, interrupted: 130 } as const;
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
  const plan = compileMapping(await readMapping(options.map), project.model, resource);
  const size = await sizeOf(path);
  const key = await keyOf(project, options);
  const running = await operate(project, commandSettings(), createLog("warn"), progress);
  try {
    const actor = actorOf(running, key);
    await actor();
    const rejects = new RejectsFile(options.rejects ?? rejectsPath(path, format), format);
    const shown = new ImportProgress(size);
    const isDryRun = options.dryRun === true;
    const stop = stopOnSignal();
    const { context } = running;
    let outcome: ImportOutcome | undefined;
    try {
      outcome = await runImport({
        context,
        plan,
        records: readRecords(path, format, plan.columns),
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
      const written = rejects.hasRecords ? rejects.path : undefined;
      if (options.json === true) printJson(summaryOf(outcome, isDryRun, written));
      else {
        if (outcome !== undefined) print(shown.summary(outcome, isDryRun));
        if (written !== undefined) print(`Rejected records, with the reasons: ${written}`);
      }
    }
    if (outcome.rejected > 0) process.exitCode = EXIT.rejected;
  } finally {
    await running.stop();
  }
}

/** What --json prints. `outcome` is undefined where it stopped before the first record. */
function summaryOf(
  outcome: ImportOutcome | undefined,
  isDryRun: boolean,
  rejects: string | undefined,
): object {
  const { created = 0, updated = 0, present = 0, skipped = 0, rejected = 0 } = outcome ?? {};
  const related = Object.fromEntries(outcome?.related ?? []);
  const counts = { created, updated, present, skipped, rejected, related };
  return { dryRun: isDryRun, ...counts, rejects: rejects ?? null };
}

async function readMapping(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw fileFailure(`The mapping ${path}`, cause, "--map with a file of JSON");
  });
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StartError(`The mapping ${path} is not JSON: ${reason}.`, {
      fix: "Correct it there, and run the same command again.",
      cause,
    });
  }
}

/** Opens it once: what cannot be read is said before a database is started. */
async function sizeOf(path: string): Promise<number> {
  try {
    const file = await open(path);
    try {
      const facts = await file.stat();
      if (facts.isDirectory()) throw Object.assign(new Error(path), { code: "EISDIR" });
      return facts.size;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw fileFailure(path, cause, "Name a CSV, NDJSON or JSON file.");
  }
}

const rejectsPath = (path: string, format: Format): string =>
  `${path}.rejected.${format === "csv" ? "csv" : "ndjson"}`;

function stopped(error: unknown, stop: AbortSignal): unknown {
  if (stop.aborted) {
    process.exitCode = EXIT.interrupted;
    return new StartError("Interrupted. Nothing is half done.", { fix: REPEAT });
  }
  if (!(error instanceof BackwrightError)) return error;
  const details = error.details.map(({ field, message }) => `${field} ${message}`).join(", ");
  const text = details === "" ? error.message : `${error.message} (${details})`;
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
