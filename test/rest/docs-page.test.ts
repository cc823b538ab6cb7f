// The page at /docs needs nothing but this server, may run nothing but its own files, and prints
// command lines that work.
//
// Planted faults, each red before it was taken out again:
// - a script from elsewhere in the page -> refers
// - the key left out of the command line -> runs
// - values of a query not encoded -> runs
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  curlOf,
  idAddress,
  type Operation,
  operationsOf,
  schemaText,
} from "../../src/rest/docs/operations.js";
import { createOrganization, type Organization } from "../fixtures/work-orders-world.ts";
import { startTestBackend, type TestBackend } from "../support/backend.ts";

const run = promisify(execFile);
const FILES = ["/docs", "/docs/page.css", "/docs/page.js", "/docs/operations.js"];

let backend: TestBackend;
let acme: Organization;
beforeAll(async () => {
  backend = await startTestBackend("docs_page");
  acme = await createOrganization(backend, "Acme");
});
afterAll(() => backend?.close());

/** As a shell runs it, with the status at the end. */
async function shell(line: string): Promise<{ status: number; json: unknown }> {
  const { stdout } = await run("sh", ["-c", `${line} -s -w '\\n%{http_code}'`]);
  const at = stdout.lastIndexOf("\n");
  const body = stdout.slice(0, at);
  return { status: Number(stdout.slice(at + 1)), json: body === "" ? {} : JSON.parse(body) };
}

async function curl(document: Record<string, unknown>, one: Operation, key: string) {
  const address = idAddress(document, one);
  const found = address === undefined ? undefined : await backend.request(address, { key });
  const id = found?.json.data[0]?.id;
  return curlOf(document, one, { origin: backend.url, key, id });
}

describe("the page", () => {
  test("refers to nothing outside of this server, and what it names is there", async () => {
    const types = [];
    for (const path of FILES) {
      const { status, text, headers } = await backend.request(path);
      expect(status, path).toBe(200);
      types.push(headers.get("content-type"));
      expect(text).not.toMatch(/https?:|["'(]\/\//);
      expect(text).not.toMatch(/innerHTML|insertAdjacentHTML|eval\(|style=|\son\w+=/);
      const named = text.matchAll(/(?:href|src)="([^"#]+)"|from "\.\/([^"]+)"/g);
      for (const [, linked, imported] of named) {
        expect(FILES).toContain(linked === undefined ? `/docs/${imported}` : `/${linked}`);
      }
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toMatch(/unsafe|\*|https?:|data:/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
    expect(types).toEqual([
      "text/html; charset=utf-8",
      "text/css; charset=utf-8",
      "text/javascript; charset=utf-8",
      "text/javascript; charset=utf-8",
    ]);
    const api = await backend.request("/v1/sites", { key: acme.people.viewer.key });
    expect(api.headers.get("content-security-policy")).not.toContain("'self'");
  });

  // Planted: the Authenticator made without its hint -> red; with it in production -> red.
  test("and the document say which header is missing, in development where keys are", async () => {
    const hint = /in development the start prints keys, .*\.backwright\/keys\.json/;
    const told = async (of: TestBackend, headers: Record<string, string> = {}) => {
      const reply = await of.request("/openapi.json", { headers });
      expect([reply.status, reply.json.error.code]).toEqual([401, "UNAUTHENTICATED"]);
      expect(reply.headers.get("www-authenticate")).toBe('Bearer realm="backwright"');
      expect(reply.json.error.message).toContain("Authorization: Bearer <key>");
      return reply.json.error.details as readonly { field: string; message: string }[];
    };
    const field = "Authorization";
    const keys = { field, message: expect.stringMatching(hint) };
    expect(await told(backend)).toEqual([{ field, message: "is missing" }, keys]);
    const production = await startTestBackend("docs_hint", { mode: "production" });
    try {
      const unknown = `Bearer bw_${"x".repeat(43)}`;
      for (const [authorization, message] of [
        ["Basic YTpi", /^is not Bearer with an API key/],
        [unknown, /^(is not Bearer|holds a key that is unknown, expired or revoked)/],
      ] as const) {
        const details = await told(production, { authorization });
        expect(details).toEqual([{ field, message: expect.stringMatching(message) }]);
      }
    } finally {
      await production.close();
    }
    expect((await backend.request("/docs/page.js")).text).toContain("void show();");
  });

  test("is not served in production unless DOCS says so, nor where DOCS is off", async () => {
    const cases = [
      { mode: "production", DOCS: "", status: 404 },
      { mode: "production", DOCS: "on", status: 200 },
      { mode: "development", DOCS: "off", status: 404 },
    ] as const;
    for (const { mode, DOCS, status } of cases) {
      const one = await startTestBackend("docs_setting", { mode, environment: { DOCS } });
      for (const path of FILES) expect((await one.request(path)).status, path).toBe(status);
      await one.close();
    }
  });

  test.each(["manager", "viewer"] as const)("prints for a %s only GETs that run", async (role) => {
    const { key } = acme.people[role];
    const read = async () => (await backend.request("/openapi.json", { key })).json;
    const bare = await read();
    const gets = (of: Record<string, unknown>) =>
      operationsOf(of).filter(({ method }) => method === "GET");
    expect(gets(bare).length).toBeGreaterThan(role === "manager" ? 10 : 4);
    for (const one of gets(bare)) {
      const line = await curl(bare, one, key);
      const { status } = await shell(line);
      expect(status, line).toBe(200);
    }
    const query = "filter[status][in]=open,done&sort=-dueAt&page[size]=2&include=site";
    expect((await backend.request(`/v1/work-orders?${query}`, { key })).status).toBe(200);
    const shown = await read();
    for (const one of gets(shown)) {
      const line = await curl(shown, one, key);
      const { status } = await shell(line);
      expect(status, line).toBe(200);
      if (one.id !== "workOrders.list") continue;
      expect(line).toContain("filter[status][in]=open,done&");
      expect(line).toContain("page[size]=2");
    }
  });

  test("prints writes that run, where the document says all that they need", async () => {
    const { key } = acme.people.manager;
    const document = (await backend.request("/openapi.json", { key })).json;
    const find = (id: string) => operationsOf(document).find((one) => one.id === id) as Operation;
    const made = await shell(await curl(document, find("sites.create"), key));
    expect(made.status).toBe(201);
    const { id } = (made.json as { data: { id: string } }).data;
    const caller = { origin: backend.url, key, id };
    expect((await shell(curlOf(document, find("sites.update"), caller))).status).toBe(200);
    expect((await shell(curlOf(document, find("sites.delete"), caller))).status).toBe(204);
  });

  test("writes words that hold quotes as a shell reads them", async () => {
    const one: Operation = {
      id: "x.y",
      method: "GET",
      path: "/v1/sites",
      tag: "x",
      operation: {},
      parameters: [{ name: "filter[name]", in: "query", example: 'O\'Hare & "co" $(id) `id`' }],
    };
    const line = curlOf({}, one, { origin: backend.url, key: acme.people.manager.key });
    const { status, json } = await shell(line);
    expect([status, json]).toMatchObject([200, { data: [] }]);
  });

  test("shows schemas the way that one writes types", async () => {
    const { key } = acme.people.manager;
    const document = (await backend.request("/openapi.json", { key })).json;
    const text = schemaText(document, { $ref: "#/components/schemas/WorkOrders" });
    expect(text).toContain("  id?: string (uuid)\n");
    expect(text).toContain('  status?: "');
    expect(text).toContain("  site?: {\n    id?: string (uuid)");
    expect(schemaText(document, { type: "array", items: { type: "integer" } })).toBe(
      "list of integer",
    );
  });
});
