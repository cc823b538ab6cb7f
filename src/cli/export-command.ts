// `backwright export`: what the holder of a key may read, to standard output.
import { once } from "node:events";
import { commandSettings, releaseOnSignal } from "../app/databases.ts";
import { operate } from "../app/operate.ts";
import { loadProject } from "../app/project.ts";
import { BackwrightError, ERROR_CATALOGUE, StartError } from "../base/errors.ts";
import { createLog } from "../observe/log.ts";
import { parseListQuery } from "../rest/query.ts";
import type { Format } from "../transfer/read-records.ts";
import { resourceOf } from "../transfer/row-plan.ts";
import { exportText } from "../transfer/run-export.ts";
import { actorOf, keyOf, type WhoOptions } from "./caller-key.ts";
import { progress } from "./output.ts";

export interface ExportRecordsOptions extends WhoOptions {
  readonly query?: string;
  readonly format: Format;
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
  const running = await operate(project, commandSettings(), createLog("warn"), progress);
  const ignoreSignals = releaseOnSignal({ isEmbedded: true, release: () => running.stop() });
  let isGone = false;
  process.stdout.once("error", () => {
    isGone = true;
  });
  let told = 0;
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
      format: options.format,
      isForSpreadsheet: options.spreadsheet === true,
      onProgress: (records) => {
        told = records;
      },
    });
    for await (const part of text) {
      if (isGone) return;
      // Rejects where the reader is gone.
      if (!process.stdout.write(part)) await once(process.stdout, "drain").catch(() => undefined);
    }
    const counted = new Intl.NumberFormat("en-US").format(told);
    progress(options.json === true ? JSON.stringify({ records: told }) : `${counted} records`);
  } catch (error) {
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
