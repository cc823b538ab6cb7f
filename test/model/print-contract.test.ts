// The contract as text says what ContractOf says as a type. The type-checker compares the two at
// the end of this file; the golden text is what `backwright client` prints for the example.
//
// Planted faults, each red before it was taken out again:
// - nullable left out of replies -> the last lines of this file do not compile
// - what a role reads, writes, links to, runs or sums up not filtered -> a role's text
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { Api as DeclaredApi } from "../../examples/work-orders/backend.ts";
import { loadProject } from "../../src/app/project.ts";
import { zodSchema } from "../../src/model/json-schema.ts";
import type { Model } from "../../src/model/model.ts";
import { printContract } from "../../src/model/print-contract.ts";
import { typeText } from "../../src/model/type-text.ts";
import type { Api as PrintedApi } from "../golden/contract.ts";
import { EXAMPLE } from "../support/backend.ts";

let model: Model;
beforeAll(async () => {
  ({ model } = await loadProject(EXAMPLE));
});

test("the example's contract is the golden text, the same every time", async () => {
  const printed = printContract(model);
  expect(printContract(model)).toBe(printed);
  await expect(printed).toMatchFileSnapshot("../golden/contract.ts");
});

test("a role's text has what the role is granted, and nothing else", () => {
  const viewer = printContract(model, "viewer");
  expect(viewer).toContain("as far as the role viewer may use it");
  expect(viewer).not.toMatch(/users|requesterId|internalNotes|assign:/);
  expect(viewer).toContain("    write: Record<string, never>;");
  const technician = printContract(model, "technician");
  expect(technician).toMatch(/start: \{\n\s+input: undefined;\n\s+output: "the record";/);
  expect(technician).not.toContain("assign: {");
  const written =
    /^ {2}workOrders: [\s\S]*?write: (\{[\s\S]*?\n {4}\})/m.exec(technician)?.[1] ?? "";
  expect(written.match(/\w+(?=\?:)/g)).toEqual(["description", "location", "internalNotes"]);
});

test("a role's text has the groups and figures of the fields that it reads", async () => {
  const costs = await loadProject(join(import.meta.dirname, "../fixtures/costs"));
  const clerk = printContract(costs.model, "clerk");
  const aggregates = clerk.slice(clerk.indexOf("aggregates: {"));
  expect(aggregates).toMatch(/groupBy:\n\s+\| "stage"\n\s+\| "hours"\n\s+\| "spentAt"\n/);
  expect(aggregates).toContain('sum: "hours";');
  expect(aggregates).not.toMatch(/amount|colour|ownerId|units|title/);
});

describe("a schema as a type", () => {
  test.each([
    [z.string(), "string"],
    [z.int().min(1), "number"],
    [z.literal("a"), '"a"'],
    [z.enum(["a", "b"]), '"a" | "b"'],
    [z.string().nullable(), "string | null"],
    [z.array(z.union([z.string(), z.number()])), "(string | number)[]"],
    [z.tuple([z.string(), z.boolean()]), "[string, boolean]"],
    [z.date(), "string"],
    [z.unknown(), "unknown"],
    [z.record(z.string(), z.number()), "{ [key: string]: number }"],
    [z.strictObject({}), "Record<never, never>"],
    [
      z.object({ a: z.uuid(), "b-c": z.number().optional() }),
      '{ a: string; "b-c"?: number | undefined }',
    ],
    [z.looseObject({ a: z.string() }), "{ a: string; [key: string]: unknown }"],
  ])("%# is written in TypeScript's words", (schema, expected) => {
    expect(typeText(zodSchema(schema, "output"))).toBe(expected);
  });
});

// Compared by the type-checker: a difference is an error of `npm run typecheck`.
type Plain<T> = T extends object ? { -readonly [K in keyof T]: Plain<T[K]> } : T;
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** A type cannot know which column names the tenant; it is never served. */
type Served<C> = {
  [N in keyof C]: C[N] extends {
    fields: infer F;
    write: infer W;
    links: infer L;
    actions: infer A;
    aggregates: infer G;
  }
    ? {
        fields: Omit<F, "organizationId">;
        write: Omit<W, "organizationId">;
        links: L;
        actions: A;
        aggregates: G;
      }
    : never;
};
const isSame: Same<Plain<PrintedApi>, Plain<Served<DeclaredApi>>> = true;
test("the printed contract and ContractOf are one type", () => expect(isSame).toBe(true));
