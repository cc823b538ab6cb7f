// The OpenAPI documents of a backend, made once for each version and role: what /openapi.json
// serves is what replies are checked against.
import type { Model } from "../model/model.ts";
import type { Examples } from "./examples.ts";
import { type DocumentOptions, openApiDocument } from "./openapi.ts";

type Json = Readonly<Record<string, unknown>>;

interface Made {
  readonly document: Json;
  readonly text: string;
}

export class Documents {
  readonly #models: ReadonlyMap<string, Model>;
  readonly #options: DocumentOptions;
  readonly #examples: Examples | undefined;
  readonly #made = new Map<string, Made>();

  constructor(model: Model, options: DocumentOptions, examples?: Examples) {
    this.#models = new Map([model, ...model.older].map((one) => [one.version, one]));
    this.#options = options;
    this.#examples = examples;
  }

  /** Without examples; nothing where there is no such version. */
  of(version: string, role: string): Json | undefined {
    return this.#of(version, role)?.document;
  }

  /** As it is served to somebody of the tenant. */
  text(version: string, role: string, tenant: string): string {
    const made = this.#of(version, role);
    if (made === undefined) throw new Error(`there is no version ${version}`);
    if (this.#examples === undefined) return made.text;
    return JSON.stringify(this.#examples.addTo(made.document, tenant, role));
  }

  #of(version: string, role: string): Made | undefined {
    const key = `${version} ${role}`;
    const model = this.#models.get(version);
    const known = this.#made.get(key);
    if (known !== undefined || model === undefined) return known;
    const document = openApiDocument(model, role, this.#options);
    const made = { document, text: JSON.stringify(document) };
    this.#made.set(key, made);
    return made;
  }
}
