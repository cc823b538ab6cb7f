// `backwright manifest` and `backwright client`: the declared backend as a document.
import { loadProject } from "../app/project.ts";
import { manifest } from "../model/manifest.ts";
import { printContract } from "../model/print-contract.ts";
import { requireRole } from "./arguments.ts";
import { printJson, write } from "./output.ts";

export async function printManifest(folder: string): Promise<void> {
  const { model } = await loadProject(folder);
  printJson(manifest(model));
}

export async function printClient(folder: string, role: string | undefined): Promise<void> {
  const { model } = await loadProject(folder);
  if (role !== undefined) requireRole(model, role);
  write(printContract(model, role));
}
