// `backwright access` and `access explain`: who may do what, and why.
import { withProjectDatabase } from "../app/databases.ts";
import {
  type Condition,
  explainGrant,
  explainRecord,
  type GrantExplanation,
  type RecordExplanation,
} from "../app/explain-access.ts";
import { loadProject } from "../app/project.ts";
import { StartError } from "../base/errors.ts";
import { nearest } from "../base/spelling.ts";
import { accessMarkdown } from "../documents/access.ts";
import { type AccessMatrix, accessMatrix } from "../model/access-matrix.ts";
import { accessOf } from "../model/manifest.ts";
import { requireId, requireRole } from "./arguments.ts";
import { print, printJson, progress, styled, tableText } from "./output.ts";

export type AccessFormat = "text" | "markdown" | "json";

export async function printAccess(folder: string, format: AccessFormat): Promise<void> {
  const { model } = await loadProject(folder);
  if (format === "json") {
    printJson(accessOf(model));
    return;
  }
  if (format === "markdown") {
    print(accessMarkdown(model));
    return;
  }
  const matrices = [...model.resources.values()].map((one) => accessMatrix(model, one));
  print(matrices.map(matrixText).join("\n\n"));
}

function matrixText({ resource, operations, fields, notes }: AccessMatrix): string {
  const text = tableText([...operations, [""], ...fields]);
  const footnotes = notes.map((note, at) => `[${at + 1}] ${note}`);
  return [styled("bold", resource), indent(text), ...footnotes.map(indent)].join("\n");
}

const indent = (text: string): string => text.replace(/^(?=.)/gm, "  ");

const SUBJECT_FIX =
  "--subject with me.id of the caller; `npx backwright keys list` shows those of keys";

export interface ExplainOptions {
  readonly as: string;
  readonly operation: string;
  readonly id?: string;
  readonly subject?: string;
  readonly tenant?: string;
  readonly json?: boolean;
}

export async function explainAccess(folder: string, options: ExplainOptions): Promise<void> {
  const project = await loadProject(folder);
  const { model } = project;
  const { as: role, id, subject, tenant } = options;
  requireRole(model, role, "--as");
  const [name = "", operation = ""] = options.operation.split(".");
  const resource =
    model.resources.get(name) ?? [...model.resources.values()].find((one) => one.path === name);
  if (resource === undefined) {
    const known = [...model.resources.keys()];
    const meant = nearest(name, known);
    const named = meant === undefined ? known : [meant];
    const operations = named.map((one) => `${one}.${operation || "read"}`);
    throw new StartError(`There is no resource "${name}".`, {
      fix: `--operation ${operations.join(" | ")}`,
    });
  }
  const question = { role, resource, operation };
  const grant = explainGrant(question);
  if (id === undefined) {
    if (options.json === true) printJson(grant);
    else print(grantText(grant));
    return;
  }
  if (operation === "create") {
    throw new StartError("--id: a create has no record yet.", { fix: "Leave --id out." });
  }
  requireId("--id", id, `--id with the id of a record of ${name}`);
  if (subject === undefined) {
    throw new StartError("--id asks about a caller, and --subject says who that is.", {
      fix: SUBJECT_FIX,
    });
  }
  requireId("--subject", subject, SUBJECT_FIX);
  if (tenant !== undefined)
    requireId("--tenant", tenant, "Leave --tenant out for the record's own.");
  const record = await withProjectDatabase(project, progress, (database) => {
    const of = { ...question, id, subject, ...(tenant === undefined ? {} : { tenant }) };
    return explainRecord(model, database, of);
  });
  if (options.json === true) printJson({ ...grant, record });
  else print(`${grantText(grant)}\n\n${recordText(record)}`);
}

function grantText(grant: GrantExplanation): string {
  const { role, operation, isGranted, rows, after, fields, set = {} } = grant;
  const may = `${role} ${isGranted ? "may" : "may not"} ${operation}`;
  if (!isGranted) return `${styled("bold", may)}: no grant of the role names it.`;
  return [
    styled("bold", may),
    ...(rows === undefined ? [] : [rowsText(operation, rows)]),
    ...(after === undefined ? [] : [`  after   ${after}`]),
    ...(fields === undefined ? [] : [`  fields  ${fields.join(", ")}`]),
    ...Object.entries(set).map(([field, value]) => `  set     ${field} = ${value}`),
  ].join("\n");
}

function rowsText(operation: string, rows: string): string {
  if (!operation.endsWith(".create")) return `  rows    ${rows}`;
  return `  record  ${rows === "all rows" ? "any" : `must be ${rows}`}`;
}

function recordText({ id, tenant, ...record }: RecordExplanation): string {
  const { isVisible, isAllowed, obstacle, conditions } = record;
  const answer = (is: boolean, text: string): string => `  ${mark(is)} ${text}`;
  return [
    styled("bold", `record ${id}, tenant ${tenant}`),
    answer(isVisible, isVisible ? "is visible" : "is not visible: answers 404"),
    answer(isAllowed, isAllowed ? "the operation is allowed" : "the operation is not allowed"),
    ...conditions.map(conditionText),
    ...(obstacle === undefined ? [] : [`    ${obstacle}`]),
  ].join("\n");
}

function conditionText({ text, holds }: Condition): string {
  const unknown = holds === null ? " (unknown: a value is null)" : "";
  return `    ${mark(holds === true)} ${text}${unknown}`;
}

function mark(is: boolean): string {
  return is ? styled("green", "✓") : styled("red", "✗");
}
