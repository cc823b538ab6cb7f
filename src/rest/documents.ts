// The OpenAPI documents of a backend, made once for each role: what /openapi.json serves is what
// replies are checked against.
import type { Model } from "../model/model.ts";
import type { Examples } from "./examples.ts";
import { type DocumentOptions, openApiDocument } from "./openapi.ts";

type Json = Readonly<Record<string, unknown>>;

export class Documents {
  readonly #model: Model;
  readonly #options: DocumentOptions;
  readonly #examples: Examples | undefined;
  readonly #made = new Map<string, { readonly document: Json; readonly text: string }>();

  constructor(model: Model, options: DocumentOptions, examples?: Examples) {
    this.#model = model;
    this.#options = options;
    this.#examples = examples;
  }

  /** Without examples. */
  of(role: string): Json {
    return this.#of(role).document;
  }

  /** As it is served to somebody of the tenant. */
  text(role: string, tenant: string): string {
    const { document, text } = this.#of(role);
    if (this.#examples === undefined) return text;
    return JSON.stringify(this.#examples.addTo(document, tenant, role));
  }

  #of(role: string): { readonly document: Json; readonly text: string } {
    const known = this.#made.get(role);
    if (known !== undefined) return known;
    const document = openApiDocument(this.#model, role, this.#options);
    const made = { document, text: JSON.stringify(document) };
    this.#made.set(role, made);
    return made;
  }
}
