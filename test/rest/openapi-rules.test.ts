// The OpenAPI document holds to Spectral's `oas` and OWASP rulesets, for every role.
//
// Planted faults, each red before it was taken out again:
// - security left out of the document -> red, owasp:api2:2023
// - additionalProperties left out of what is sent to create, update, bulk or act -> red, closed
// - an operation without a description -> red, operation-description
// - a reference to a schema that is not there -> red, invalid-ref

import { join } from "node:path";
import { type RulesetDefinition, Spectral } from "@stoplight/spectral-core";
import owasp from "@stoplight/spectral-owasp-ruleset";
import { oas } from "@stoplight/spectral-rulesets";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { beforeAll, describe, expect, test } from "vitest";
import { loadProject } from "../../src/app/project.ts";
import type { Model } from "../../src/model/model.ts";
import { openApiDocument } from "../../src/rest/openapi.ts";
import { EXAMPLE } from "../support/backend.ts";
import { EXCEPTIONS } from "./openapi-exceptions.ts";

const CORNERS = join(import.meta.dirname, "../fixtures/corners");
const ROLES = ["manager", "dispatcher", "technician", "requester", "viewer"];
const models = new Map<string, Model>();
beforeAll(async () => {
  models.set("example", (await loadProject(EXAMPLE)).model);
  models.set("corners", (await loadProject(CORNERS)).model);
});

interface Broken {
  readonly code: string;
  readonly place: string;
  readonly message: string;
}

async function brokenRules(document: object): Promise<readonly Broken[]> {
  const spectral = new Spectral();
  // The rulesets' own types are those of another major.
  const rules = [oas, owasp] as unknown as readonly RulesetDefinition[];
  spectral.setRuleset({ extends: rules.map((one) => [one, "all"]) });
  const found = await spectral.run(JSON.parse(JSON.stringify(document)));
  return found.map(({ code, message, path }) => {
    return { code: String(code), place: path.join("/"), message };
  });
}

/** Objects that say nothing about members that they do not name; parameters are named elsewhere. */
function openObjects(schema: unknown, place: string): readonly string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const inside = Object.entries(schema).flatMap(([name, part]) =>
    name === "parameters" ? [] : openObjects(part, `${place}/${name}`),
  );
  const isOpen = "properties" in schema && !("additionalProperties" in schema);
  return isOpen ? [place, ...inside] : inside;
}

const documentOf = (name: string, role: string): object =>
  openApiDocument(models.get(name) as Model, role);

// Spectral takes seconds of a core for each role; a machine with other work takes longer.
describe("the OpenAPI document", { timeout: 120_000 }, () => {
  test("was made for every role that the example has", () => {
    expect(models.get("example")?.roles.toSorted()).toEqual(ROLES.toSorted());
  });

  // Spectral takes seconds for a large document, and more on a busy machine.
  const timeout = 90_000;
  test.each(ROLES)("breaks no rule for a %s but those with a reason", { timeout }, async (role) => {
    const broken = await brokenRules(documentOf("example", role));
    expect(broken.filter(({ code }) => EXCEPTIONS[code] === undefined)).toEqual([]);
  });

  test("needs every exception that it is given", { timeout }, async () => {
    const broken = await brokenRules(documentOf("example", "manager"));
    const needed = new Set(broken.map(({ code }) => code));
    expect(Object.keys(EXCEPTIONS).filter((code) => !needed.has(code))).toEqual([]);
  });

  test.each(["example", "corners"])("of %s closes every object, for every role", (name) => {
    for (const role of models.get(name)?.roles ?? []) {
      const { components, paths } = JSON.parse(JSON.stringify(documentOf(name, role)));
      expect(openObjects({ schemas: components.schemas, paths }, role)).toEqual([]);
    }
  });

  test.each(["example", "corners"])("of %s holds schemas that a strict reader takes", (name) => {
    for (const role of models.get(name)?.roles ?? []) {
      const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true });
      ajv.addVocabulary(["components"]);
      (formats as unknown as (ajv: Ajv2020) => void)(ajv);
      const document = JSON.parse(JSON.stringify(documentOf(name, role)));
      ajv.addSchema({ $id: "document", components: document.components }, "document", false, false);
      for (const schema of Object.keys(document.components.schemas)) {
        const validate = ajv.compile({ $ref: `document#/components/schemas/${schema}` });
        expect(typeof validate, `${role} ${schema}`).toBe("function");
      }
    }
  });
});
