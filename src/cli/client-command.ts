// `backwright client`.
import { loadProject } from "../app/project.ts";
import { printContract } from "../model/print-contract.ts";
import { requireRole } from "./arguments.ts";
import { write } from "./output.ts";

export async function printClient(folder: string, role: string | undefined): Promise<void> {
  const { model } = await loadProject(folder);
  if (role !== undefined) requireRole(model, role);
  write(printContract(model, role));
}
