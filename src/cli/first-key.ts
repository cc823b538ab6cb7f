// What a person does who has no key yet: lines to copy, made of the project's own names.
import type { DevelopmentBackend } from "../app/develop.ts";
import type { Project } from "../app/project.ts";
import { newId } from "../base/ids.ts";
import type { FieldModel } from "../model/model.ts";
import { print, styled } from "./output.ts";

/** A tenant that is there gets a key at once; without one a seed makes both. */
export function printFirstKey({ model }: Project, { tenantId }: DevelopmentBackend): void {
  const [role = ""] = model.roles;
  if (tenantId !== undefined) {
    const options = `--tenant ${tenantId} --role ${role} --subject ${newId()}`;
    print("\nThere are no development keys. To make one, for a caller of your choice (--subject):");
    print(`  ${styled("cyan", `backwright keys create ${options}`)}`);
    return;
  }
  print("\nNobody can call it yet: there is no tenant.");
  print("Save this as seed.ts, which runs while there is none:");
  for (const line of seedText(model.tenant.fields.values(), role)) print(`  ${line}`);
}

function seedText(fields: Iterable<FieldModel>, role: string): readonly string[] {
  const required = [...fields].filter((one) => !one.nullable && !one.hasDefault && !one.managed);
  const values = required.map((one) => `${one.name}: "${exampleOf(one)}"`);
  return [
    'import { newId, type SeedContext } from "backwright";',
    "",
    "export default async function seed({ tenant, key }: SeedContext): Promise<void> {",
    `  const tenantId = await tenant({ ${values.join(", ")} });`,
    '  const person = { id: newId(), name: "Olga" };',
    `  await key({ ...person, tenantId, tenant: "Acme", role: "${role}" });`,
    "}",
  ];
}

function exampleOf({ values, sqlType }: FieldModel): string {
  return values?.[0] ?? (/^(text|varchar|char)/.test(sqlType) ? "Acme" : "…");
}
