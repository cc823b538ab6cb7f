// The access matrix as Markdown: `backwright access --format markdown` and docs/access.md.
import { type AccessMatrix, accessMatrix } from "../model/access-matrix.ts";
import type { Model } from "../model/model.ts";
import { code, codes, page, prose, table } from "./markdown.ts";

export function accessPage(model: Model): string {
  return page(
    "# Access",
    prose(`What each of the roles ${codes(model.roles)} may do, to which rows and fields. What is
      empty is refused; every cell ends at the tenant of the key.`),
    accessMarkdown(model),
  );
}

/** One section for each resource. */
export function accessMarkdown(model: Model): string {
  const resources = [...model.resources.values()];
  return resources.map((one) => matrixMarkdown(accessMatrix(model, one))).join("\n\n");
}

function matrixMarkdown({ resource, operations, fields, notes }: AccessMatrix): string {
  const [head = [], ...rows] = operations;
  const [fieldHead = [], ...fieldRows] = fields;
  return page(
    `## ${resource}`,
    table(head, rows),
    notes.map((note, at) => `- [${at + 1}] ${code(note)}`).join("\n"),
    table(fieldHead, fieldRows),
  ).trimEnd();
}
