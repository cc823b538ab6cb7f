// A JSON Schema as a TypeScript type, in one line. What TypeScript has no words for, such as a
// format or a bound, is left out; what is not known is `unknown`.
import type { JsonSchema } from "./json-schema.ts";

const NAME = /^[A-Za-z_$][\w$]*$/;

const PLAIN: Readonly<Record<string, string>> = {
  string: "string",
  number: "number",
  integer: "number",
  boolean: "boolean",
  null: "null",
};

export function typeText(schema: JsonSchema): string {
  const { type } = schema;
  if ("const" in schema) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return union(schema.enum.map((one) => JSON.stringify(one)));
  const either = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(either)) return union(either.map(typeText));
  if (Array.isArray(schema.allOf)) return schema.allOf.map(inBrackets).join(" & ");
  if (Array.isArray(type))
    return union(type.map((one: string) => typeText({ ...schema, type: one })));
  if (type === "array") return arrayText(schema);
  if (type === "object") return objectText(schema);
  return typeof type === "string" ? (PLAIN[type] ?? "unknown") : "unknown";
}

function union(types: readonly string[]): string {
  return types.length === 0 ? "never" : [...new Set(types)].join(" | ");
}

function inBrackets(schema: JsonSchema): string {
  const text = typeText(schema);
  return / [|&] /.test(text) ? `(${text})` : text;
}

function arrayText({ prefixItems, items }: JsonSchema): string {
  const rest = items as JsonSchema | false | undefined;
  if (!Array.isArray(prefixItems)) return `${inBrackets(rest || {})}[]`;
  const entries = prefixItems.map(typeText);
  if (typeof rest === "object") entries.push(`...${inBrackets(rest)}[]`);
  return `[${entries.join(", ")}]`;
}

function objectText(schema: JsonSchema): string {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>);
  const required = (schema.required ?? []) as readonly string[];
  const members = properties.map(([name, one]) => {
    const key = NAME.test(name) ? name : JSON.stringify(name);
    // As Zod has it: leaving out and undefined are the same.
    return required.includes(name)
      ? `${key}: ${typeText(one)}`
      : `${key}?: ${typeText(one)} | undefined`;
  });
  const others = schema.additionalProperties;
  if (typeof others === "object" && others !== null) {
    // An index signature holds for every property, so beside others it can only be unknown.
    const value = members.length === 0 ? typeText(others as JsonSchema) : "unknown";
    members.push(`[key: string]: ${value}`);
  }
  return members.length === 0 ? "Record<never, never>" : `{ ${members.join("; ")} }`;
}
