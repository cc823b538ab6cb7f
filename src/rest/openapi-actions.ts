// The inputs and outputs of actions as JSON Schema, made of the Zod schemas that requests and
// replies are checked by.
import { z } from "zod";
import { REQUEST_LIMITS } from "../base/limits.ts";
import { type JsonSchema, textSchema } from "../model/json-schema.ts";
import type { ActionModel } from "../model/model.ts";

/** The names under which the schemas of an action stand among the components. */
export interface ActionSchemaNames {
  readonly input: string | undefined;
  /** Undefined: the reply is the record. */
  readonly output: string | undefined;
}

/** `record` is the name of the record's schema. */
export function actionSchemaNames(record: string, action: ActionModel): ActionSchemaNames {
  const name = record + action.name.charAt(0).toUpperCase() + action.name.slice(1);
  return {
    input: action.input === undefined ? undefined : `${name}Input`,
    output: action.output === undefined ? undefined : `${name}Output`,
  };
}

/** The schemas of the actions, by the names above. */
export function actionSchemas(
  record: string,
  actions: Iterable<ActionModel>,
): Readonly<Record<string, JsonSchema>> {
  const schemas: Record<string, JsonSchema> = {};
  for (const action of actions) {
    const { input, output } = actionSchemaNames(record, action);
    if (input && action.input) schemas[input] = jsonSchema(action.input, "input", input);
    if (output && action.output) schemas[output] = jsonSchema(action.output, "output", output);
  }
  return schemas;
}

// LIMIT: a body of a megabyte holds no list that is longer.
const ITEMS_MAX = REQUEST_LIMITS.bodyBytesMax / 2;

/** What JSON Schema has no words for is left open, except dates, which travel as instants. */
function jsonSchema(schema: z.ZodType, io: "input" | "output", name: string): JsonSchema {
  const { $schema: _, ...made } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override({ zodSchema, jsonSchema: target }) {
      if (zodSchema._zod.def.type === "date") {
        target.type = "string";
        target.format = "date-time";
      }
      addBounds(target, io === "input");
    },
  });
  // A schema that holds itself points to the root of its document, which it is not here.
  const own = `"#/components/schemas/${name}`;
  const text = JSON.stringify(made).replace(/("\$ref":)"#(?=[/"])/g, `$1${own}`);
  return JSON.parse(text) as JsonSchema;
}

/** The bounds that hold of every request and reply, where a schema names none of its own. */
function addBounds(target: Record<string, unknown>, isRequest: boolean): void {
  if (target.type === "array") target.maxItems ??= ITEMS_MAX;
  if (target.type === "integer") target.format ??= "int64";
  if (target.type !== "string" || target.enum !== undefined || target.const !== undefined) return;
  const { maxLength, pattern } = textSchema(isRequest);
  target.maxLength ??= maxLength;
  if (target.format === undefined) target.pattern ??= pattern;
}
