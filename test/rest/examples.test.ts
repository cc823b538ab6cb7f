// In development the OpenAPI document shows exchanges that really happened, to their own tenant and
// role; in production it shows none.
//
// Planted faults, each red before it was taken out again:
// - kept by role without the tenant -> another tenant
// - the check for secrets left out -> secrets
// - values of parameters kept as text -> valid
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Examples } from "../../src/rest/examples.ts";
import type { Exchange } from "../../src/server/exchange.ts";
import { type Person, startTestBackend, type TestBackend } from "../support/backend.ts";

interface Media {
  readonly example?: unknown;
  readonly schema: object;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly example?: unknown;
  readonly schema: object;
}
interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, Media>> }>
  >;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
}

let backend: TestBackend;
let acme: Person;
let other: Person;
beforeAll(async () => {
  backend = await startTestBackend("examples");
  acme = await backend.person(await backend.tenant("Acme"), "manager");
  other = await backend.person(await backend.tenant("Other"), "manager");
});
afterAll(() => backend?.close());

const documentOf = async (who: Person, of = backend): Promise<Document> =>
  (await of.request("/openapi.json", { key: who.key })).json;
const shown = (operation: Operation | undefined, status: string): unknown =>
  operation?.responses[status]?.content?.["application/json"]?.example;

/** Every example with the schema that it stands beside. */
function examples(document: Document): { place: string; example: unknown; schema: object }[] {
  const found: { place: string; example: unknown; schema: object }[] = [];
  for (const [path, item] of Object.entries(document.paths)) {
    const shared = (item.parameters ?? []) as unknown as readonly Parameter[];
    const holders: [string, Media | Parameter][] = shared.map((one) => [one.name, one]);
    for (const [method, operation] of Object.entries(item)) {
      if (method === "parameters") continue;
      for (const one of operation.parameters ?? []) holders.push([`${method} ${one.name}`, one]);
      for (const media of Object.values(operation.requestBody?.content ?? {})) {
        holders.push([`${method} body`, media]);
      }
      for (const [status, { content }] of Object.entries(operation.responses)) {
        for (const media of Object.values(content ?? {}))
          holders.push([`${method} ${status}`, media]);
      }
    }
    for (const [name, { example, schema }] of holders) {
      // What an aggregate is asked for at least, whoever asks.
      if (path.endsWith("/aggregate") && name === "get count") continue;
      if (example !== undefined) found.push({ place: `${path} ${name}`, example, schema });
    }
  }
  return found;
}

describe("the examples of the OpenAPI document", () => {
  test("are the last exchange of each operation, valid, and shown to no other tenant", async () => {
    const { key } = acme;
    expect(examples(await documentOf(acme))).toEqual([]);
    for (const name of ["Yard", "Dock", "Mill"]) {
      expect((await backend.request("/v1/sites", { key, body: { name } })).status).toBe(201);
    }
    const refused = await backend.request("/v1/sites", { key, body: { nothing: 1 } });
    expect(refused.status).toBe(400);
    const query =
      "fields=id,name&page[size]=3&page[offset]=0&filter[name][in]=Yard,Dock,Mill&sort=name";
    const listed = await backend.request(`/v1/sites?${query}`, { key });
    const [first, second] = listed.json.data;
    const got = await backend.request(`/v1/sites/${first.id}`, { key });
    const document = await documentOf(acme);
    const sites = document.paths["/v1/sites"];
    expect(shown(sites?.get, "200")).toEqual({ ...listed.json, data: [first, second] });
    expect(shown(sites?.post, "201")).toMatchObject({ data: { name: "Mill" } });
    const { get: read } = document.paths["/v1/sites/{id}"] ?? {};
    expect(shown(read, "200")).toEqual(got.json);
    const all = examples(document);
    const values = new Map(all.map(({ place, example }) => [place, example]));
    expect(values.get("/v1/sites get fields")).toEqual(["id", "name"]);
    expect(values.get("/v1/sites get page[size]")).toBe(3);
    expect(values.get("/v1/sites post body")).toEqual({ name: "Mill" });
    expect(values.get("/v1/sites/{id} id")).toBe(first.id);
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    (formats as unknown as (ajv: Ajv2020) => void)(ajv);
    for (const { place, example, schema } of all) {
      const isValid = ajv.validate({ ...schema, components: document.components }, example);
      expect(isValid, `${place}: ${ajv.errorsText()}`).toBe(true);
    }
    expect(all.length).toBeGreaterThan(8);
    expect(JSON.stringify(document)).not.toContain(key);
    expect(examples(await documentOf(other))).toEqual([]);
  });

  test("hold no secrets, no failures and nothing large, and are bounded in number", () => {
    const kept = new Examples();
    const exchange: Exchange = {
      method: "GET",
      route: "/v1/sites",
      url: "/v1/sites",
      requestBody: undefined,
      facts: { tenant: "t", role: "manager" },
      status: 200,
      contentType: "application/json; charset=utf-8",
      body: '{"data":"Yard"}',
    };
    const document = {
      paths: {
        "/v1/sites": { get: { responses: { 200: { content: { "application/json": {} } } } } },
      },
    };
    const isShown = (): boolean =>
      JSON.stringify(kept.addTo(document, "t", "manager")).includes("example");
    for (const change of [
      { body: '{"data":{"key":"bw_abcdefgh12"}}' },
      { body: '{"data":{"webhookSecret":"x"}}' },
      { requestBody: { password: "x" } },
      { url: "/v1/sites?filter[name]=bw_abcdefgh12" },
      { status: 404 },
      { body: "" },
      { body: JSON.stringify("x".repeat(70_000)) },
      { contentType: "text/csv" },
      { facts: { tenant: "t" } },
      { method: "HEAD" },
    ] as Partial<Exchange>[]) {
      kept.record({ ...exchange, ...change });
      expect(isShown(), JSON.stringify(change).slice(0, 80)).toBe(false);
    }
    kept.record(exchange);
    expect(isShown()).toBe(true);
    for (let at = 0; at < 300; at += 1) kept.record({ ...exchange, route: `/v1/r${at}` });
    expect(isShown()).toBe(false);
  });

  test("are none in production", async () => {
    const production = await startTestBackend("no_examples", { mode: "production" });
    try {
      const person = await production.person(await production.tenant("Acme"), "manager");
      await production.request("/v1/sites", { key: person.key, body: { name: "Yard" } });
      expect(examples(await documentOf(person, production))).toEqual([]);
    } finally {
      await production.close();
    }
  });
});
