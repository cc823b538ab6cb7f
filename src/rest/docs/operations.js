// What the page shows of an OpenAPI document, as plain data and text: no page in here, so that a
// test can read it, too.

/**
 * @typedef {{ [key: string]: unknown }} Json
 * @typedef {object} Operation
 * @property {string} id
 * @property {string} method in capitals
 * @property {string} path
 * @property {string} tag
 * @property {Json} operation
 * @property {Json[]} parameters those of the path, too
 */

/**
 * The operations in the document's order.
 * @param {Json} document
 * @returns {Operation[]}
 */
export function operationsOf(document) {
  const paths = /** @type {Record<string, Record<string, Json>>} */ (document.paths);
  return Object.entries(paths).flatMap(([path, { parameters: shared = [], ...methods }]) =>
    Object.entries(methods).map(([method, operation]) => ({
      id: String(operation.operationId),
      method: method.toUpperCase(),
      path,
      tag: String(/** @type {string[]} */ (operation.tags)[0]),
      operation,
      parameters: /** @type {Json[]} */ ([
        .../** @type {Json[]} */ (shared),
        ...listOf(operation.parameters),
      ]),
    })),
  );
}

/**
 * A `$ref` replaced by what it points to.
 * @param {Json} document
 * @param {unknown} value
 * @returns {Json}
 */
export function resolve(document, value) {
  const { $ref } = /** @type {Json} */ (value ?? {});
  if (typeof $ref !== "string") return /** @type {Json} */ (value ?? {});
  const keys = $ref.replace("#/", "").split("/");
  return /** @type {Json} */ (
    keys.reduce((at, key) => /** @type {Json} */ (at)[key], /** @type {unknown} */ (document))
  );
}

/**
 * Where an id for an operation on one record can be read; nothing where there is no list.
 * @param {Json} document
 * @param {Operation} operation
 */
export function idAddress(document, { path }) {
  const collection = path.split("/{id}")[0] ?? "";
  const paths = /** @type {Record<string, Json>} */ (document.paths);
  if (!path.includes("/{id}") || paths[collection]?.get === undefined) return undefined;
  return `${collection}?fields=id&page[size]=1`;
}

/**
 * A command line that does the operation: with the example that the document holds, else with as
 * little as the schema asks for.
 * @param {Json} document
 * @param {Operation} operation
 * @param {{ origin: string, key: string, id?: string | undefined }} caller
 */
export function curlOf(document, { method, path, operation, parameters }, { origin, key, id }) {
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => {
    const { example } = parameters.find((one) => one.in === "path" && one.name === name) ?? {};
    // The record of the example may be gone by now.
    const fresh = name === "id" ? id : undefined;
    return encodeURIComponent(String(fresh ?? example ?? SAMPLES.uuid));
  });
  const query = parameters
    .filter((one) => one.in === "query" && (one.example !== undefined || one.required === true))
    .map(
      ({ name, schema, example = sampleOf(document, schema) }) =>
        `${name}=${listOf(example)
          .map((one) => encodeURIComponent(String(one)))
          .join(",")}`,
    );
  const address = origin + filled + (query.length === 0 ? "" : `?${query.join("&")}`);
  const words = ["curl", "-g", ...(method === "GET" ? [] : ["-X", method])];
  words.push("-H", quoted(`Authorization: Bearer ${key}`));
  const body = jsonOf(operation.requestBody);
  if (body !== undefined) {
    const example = body.example ?? sampleOf(document, body.schema);
    words.push(
      "-H",
      quoted("Content-Type: application/json"),
      "-d",
      quoted(JSON.stringify(example)),
    );
  }
  return [...words, quoted(address)].join(" ");
}

/**
 * The JSON of a request or reply.
 * @param {unknown} holder
 * @returns {Json | undefined}
 */
export function jsonOf(holder) {
  const { content } = /** @type {{ content?: Record<string, Json> }} */ (holder ?? {});
  return content?.["application/json"];
}

/**
 * A schema as text, the way that one writes types.
 * @param {Json} document
 * @param {unknown} given
 * @param {string} [indent]
 * @returns {string}
 */
export function schemaText(document, given, indent = "") {
  const schema = /** @type {Json} */ (given ?? {});
  if (indent.length > 6 && typeof schema.$ref === "string")
    return schema.$ref.split("/").at(-1) ?? "";
  const {
    type,
    format,
    properties,
    items,
    enum: values,
    anyOf,
    required,
    maxLength,
  } = resolve(document, schema);
  if (Array.isArray(anyOf))
    return anyOf.map((one) => schemaText(document, one, indent)).join(" | ");
  if (Array.isArray(values)) return values.map((one) => JSON.stringify(one)).join(" | ");
  if (items !== undefined) return `list of ${schemaText(document, items, indent)}`;
  if (properties !== undefined) {
    const lines = Object.entries(/** @type {Json} */ (properties)).map(([name, one]) => {
      const { deprecated } = /** @type {Json} */ (one);
      const mark = listOf(required).includes(name) ? "" : "?";
      const text = schemaText(document, one, `${indent}  `);
      return `${indent}  ${name}${mark}: ${text}${deprecated === true ? "  (deprecated)" : ""}`;
    });
    return `{\n${lines.join("\n")}\n${indent}}`;
  }
  const name = type === undefined ? "any" : listOf(type).join(" | ");
  const most =
    typeof maxLength === "number" && maxLength < 10_000 ? `at most ${maxLength}` : undefined;
  const about = [format, format === undefined ? most : undefined].filter(
    (one) => one !== undefined,
  );
  return about.length === 0 ? name : `${name} (${about.join(", ")})`;
}

const SAMPLES = /** @type {Json} */ ({
  string: "text",
  integer: 1,
  number: 1,
  boolean: true,
  uuid: "00000000-0000-0000-0000-000000000000",
  date: "2027-01-31",
  "date-time": "2027-01-31T12:00:00Z",
});

/**
 * As little as a schema asks for.
 * @param {Json} document
 * @param {unknown} given
 * @returns {unknown}
 */
function sampleOf(document, given) {
  const schema = resolve(document, given);
  const {
    type,
    format,
    properties,
    items,
    enum: values,
    anyOf,
    required,
    minProperties,
    minItems,
  } = schema;
  if (Array.isArray(values)) return values[0];
  if (Array.isArray(anyOf)) return sampleOf(document, anyOf[0]);
  if (items !== undefined) return minItems === undefined ? [] : [sampleOf(document, items)];
  if (properties === undefined)
    return SAMPLES[String(format)] ?? SAMPLES[String(listOf(type)[0])] ?? {};
  const fields = /** @type {Json} */ (properties);
  const named = listOf(required).map(String);
  const names =
    named.length === 0 && minProperties !== undefined ? Object.keys(fields).slice(0, 1) : named;
  return Object.fromEntries(names.map((name) => [name, sampleOf(document, fields[name])]));
}

/** @param {unknown} value */
function listOf(value) {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

/** @param {string} text as one word of a shell */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
