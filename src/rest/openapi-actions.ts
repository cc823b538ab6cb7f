// The inputs and outputs of actions as JSON Schema, made of the Zod schemas that requests and
// replies are checked by.
import type { z } from "zod";
import { type JsonSchema, zodSchema } from "../model/json-schema.ts";
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

/** A schema that holds itself points to the root of its document, which it is not here. */
function jsonSchema(schema: z.ZodType, io: "input" | "output", name: string): JsonSchema {
  const own = `"#/components/schemas/${name}`;
  const text = JSON.stringify(zodSchema(schema, io)).replace(/("\$ref":)"#(?=[/"])/g, `$1${own}`);
  return JSON.parse(text) as JsonSchema;
}
