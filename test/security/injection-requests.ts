// Every place of the API where a caller's text can stand, walked from a compiled model: the names
// and values of filters, sorts, fields, includes, pages, cursors, ids, bodies, inputs and headers.
// Only the list of places is taken from what is judged; what must happen there is not.
import { type Model, OPERATORS, type ResourceModel } from "../../src/model/model.ts";

export interface Injection {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE" | "PUT";
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A place where the value is one text: the field that must equal it in every row found. */
  readonly means?: string;
}

const quoted = (text: string): string => JSON.stringify(text);

/** `every`: each operator of each field, rather than one in turn. */
export function* injectionsOf(model: Model, text: string, every: boolean): Generator<Injection> {
  let turn = [...text].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  const value = encodeURIComponent(text);
  for (const resource of model.resources.values()) {
    const base = `/v1/${resource.path}`;
    const get = (query: string): Injection => ({ method: "GET", path: `${base}?${query}` });
    for (const field of resource.served) {
      turn += 1;
      const operators = every ? OPERATORS : [OPERATORS[turn % OPERATORS.length] ?? "eq"];
      for (const operator of operators) {
        const injection = get(`filter[${field.name}][${operator}]=${value}`);
        yield operator === "eq" ? { ...injection, means: field.name } : injection;
      }
      yield get(`sort=${field.name}${value}`);
      yield get(`fields=id,${field.name}${value}`);
      const body = `{${quoted(field.name)}:${quoted(text)}}`;
      yield { method: "POST", path: base, body };
      yield { method: "PATCH", path: `${base}/${NOBODY}`, body };
    }
    for (const relation of resource.table.relations.values()) {
      const target = model.resources.get(relation.target);
      for (const field of target?.served ?? []) {
        yield get(`filter[id]=${NOBODY}&filter[${relation.name}.${field.name}]=${value}`);
      }
      yield get(`include=${relation.name},${value}`);
      yield get(`include=${relation.name}&fields[${relation.name}]=${value}`);
    }
    yield* namesOf(resource, text);
  }
}

/** An id that no row has. */
export const NOBODY = "00000000-0000-7000-8000-000000000000";

function* namesOf(resource: ResourceModel, text: string): Generator<Injection> {
  const base = `/v1/${resource.path}`;
  const one = `${base}/${NOBODY}`;
  const value = encodeURIComponent(text);
  for (const query of ["groupBy", "count", "min", "sum", "sort", "timeZone", "filter[id]"]) {
    yield { method: "GET", path: `${base}/aggregate?${query}=${value}` };
  }
  const operation = `{"operation":${quoted(text)},"id":${quoted(text)},"body":{}}`;
  yield { method: "POST", path: "/v1/batch", body: `{"operations":[${operation}]}` };
  for (const verb of ["create", "update", "delete"]) {
    const body = `{"records":[{"id":${quoted(text)},"name":${quoted(text)}}]}`;
    yield { method: "POST", path: `${base}/bulk-${verb}`, body };
  }
  yield { method: "PUT", path: `${base}?by=${value}`, body: `{"name":${quoted(text)}}` };
  for (const query of [
    ...["sort", "sort=-", "fields", "include", "page[size]", "page[after]", "page[before]"],
    ...["page[offset]", "page[count]", "q", "group", "search", "aggregate", "as", "distinct"],
  ]) {
    const name = query.includes("=") ? query : `${query}=`;
    yield { method: "GET", path: `${base}?${name}${value}` };
  }
  for (const name of ["filter[PLACE]=1", "filter[id][PLACE]=1", "fields[PLACE]=id", "PLACE=1"]) {
    yield { method: "GET", path: `${base}?${name.replace("PLACE", () => value)}` };
  }
  yield { method: "GET", path: `${base}/${value}` };
  yield { method: "DELETE", path: `${base}/${value}` };
  yield { method: "GET", path: `${one}?include=${value}` };
  yield { method: "POST", path: base, body: `{${quoted(text)}:1}` };
  yield { method: "PATCH", path: one, body: `{${quoted(text)}:1}` };
  for (const action of resource.actions.values()) {
    yield { method: "POST", path: `${one}/${action.path}`, body: `{${quoted(text)}:1}` };
    yield { method: "POST", path: `${base}/${value}/${action.path}`, body: "{}" };
  }
  const headers = ["idempotency-key", "if-match", "x-request-id", "accept", "if-none-match"];
  for (const header of headers) {
    const given = { [header]: text };
    yield { method: "PATCH", path: one, body: '{"name":"x"}', headers: given };
    yield { method: "GET", path: `${base}?page[size]=1`, headers: given };
  }
}
