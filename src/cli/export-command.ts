// `backwright export`: what the holder of a key may read, to standard output or a file.
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { commandSettings, releaseOnSignal } from "../app/databases.ts";
import { operate } from "../app/operate.ts";
import { loadProject } from "../app/project.ts";
import { BackwrightError, ERROR_CATALOGUE, StartError } from "../base/errors.ts";
import { createLog } from "../observe/log.ts";
import { parseListQuery } from "../rest/query.ts";
import { type Format, formatOf } from "../transfer/read-records.ts";
import { resourceOf } from "../transfer/row-plan.ts";
import { exportText } from "../transfer/run-export.ts";
import { actorOf, keyOf, type WhoOptions } from "./caller-key.ts";
import { progress } from "./output.ts";
import { ExportProgress } from "./transfer-progress.ts";

export interface ExportRecordsOptions extends WhoOptions {
  readonly query?: string;
  /** NDJSON unless the name of `out` tells. */
  readonly format?: Format;
  /** A file in place of standard output. */
  readonly out?: string;
  readonly spreadsheet?: boolean;
  readonly json?: boolean;
}

/** Throws StartError. Ends quietly where the reader is gone, as with `| head`. */
export async function exportRecords(
  folder: string,
  name: string,
  options: ExportRecordsOptions,
): Promise<void> {
  const project = await loadProject(folder);
  const resource = resourceOf(project.model, name);
  const key = await keyOf(project, options);
  const { out, spreadsheet } = options;
  const format = options.format ?? (out === undefined ? "ndjson" : formatOf(out));
  if (spreadsheet === true && format !== "csv") {
    throw new StartError("--spreadsheet goes with CSV.", { fix: "--format csv" });
  }
  const running = await operate(project, commandSettings(), createLog("warn"), progress);
  const stopping = new AbortController();
  let written: Promise<void> = Promise.resolve();
  const release = async (): Promise<void> => {
    stopping.abort();
    await written.catch(() => undefined); // A file that is not whole is taken away first.
    await running.stop();
  };
  const ignoreSignals = releaseOnSignal({ isEmbedded: true, release });
  const shown = new ExportProgress();
  try {
    const { size, after, before, offset, count, ...query } = parseListQuery(options.query ?? "");
    if ([size, after, before, offset, count].some((one) => one !== undefined)) {
      throw new StartError("An export has no pages.", { fix: "Leave page[…] out of --query." });
    }
    const text = exportText({
      context: running.context,
      resource,
      query,
      actor: actorOf(running, key),
      format,
      isForSpreadsheet: spreadsheet === true,
      onProgress: (records) => shown.advanced(records),
    });
    written = out === undefined ? toStandardOutput(text) : toFile(out, text, stopping.signal);
    await written;
    shown.end(options.json === true);
  } catch (error) {
    if (stopping.signal.aborted) return; // The signal says how the process ends.
    if (!(error instanceof BackwrightError)) throw error;
    const details = error.details.map(({ field, message }) => `${field} ${message}`).join(", ");
    throw new StartError(details === "" ? error.message : `${error.message} (${details})`, {
      fix:
        error.status === 400
          ? "Correct --query: it is what stands after the ? of an address."
          : ERROR_CATALOGUE[error.code].advice,
      cause: error,
    });
  } finally {
    ignoreSignals();
    await running.stop();
  }
}

async function toStandardOutput(text: AsyncIterable<string>): Promise<void> {
  let isGone = false;
  process.stdout.once("error", () => {
    isGone = true;
  });
  for await (const part of text) {
    if (isGone) return;
    // Rejects where the reader is gone.
    if (!process.stdout.write(part)) await once(process.stdout, "drain").catch(() => undefined);
  }
}

/** It has its name when it is whole. `.gz` compresses it. */
async function toFile(
  path: string,
  text: AsyncIterable<string>,
  signal: AbortSignal,
): Promise<void> {
  const unfinished = `${path}.part`;
  const source = Readable.from(text, { objectMode: true });
  const target = createWriteStream(unfinished);
  try {
    if (path.endsWith(".gz")) await pipeline(source, createGzip(), target, { signal });
    else await pipeline(source, target, { signal });
    await rename(unfinished, path);
  } catch (cause) {
    await rm(unfinished, { force: true });
    const { code, syscall } = cause as NodeJS.ErrnoException;
    if (syscall === undefined) throw cause;
    throw new StartError(`${path} cannot be written: ${code}.`, {
      fix: "Name a file that can be written with --out.",
      cause,
    });
  }
}
