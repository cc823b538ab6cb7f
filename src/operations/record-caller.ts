// Operations called by the names of resources, with records as JavaScript objects. The same way
// through as every face: policy, wall, audit and event.
import type { ResourceModel } from "../model/model.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import type { ListQuery, RecordQuery } from "./parse-list.ts";
import { getRecord, listRecords } from "./read.ts";
import { createRecord, deleteRecord, updateRecord } from "./write.ts";

/** A record as the API shows it. */
export type JsonRecord = { readonly id: string } & Readonly<Record<string, unknown>>;

export interface JsonPage {
  readonly data: readonly JsonRecord[];
  readonly next: string | null;
}

/** All throw BackwrightError; TypeError for a resource that there is not. */
export class RecordCaller {
  protected readonly context: OperationsContext;
  readonly #newRequest: () => RequestContext;

  /** `newRequest` is asked once for each operation. */
  constructor(context: OperationsContext, newRequest: () => RequestContext) {
    this.context = context;
    this.#newRequest = newRequest;
  }

  async get(resource: string, id: string, query: RecordQuery = {}): Promise<JsonRecord> {
    const of = this.resource(resource);
    return parseRecord((await getRecord(this.context, this.#newRequest(), of, id, query)).json);
  }

  async page(resource: string, query: ListQuery = {}): Promise<JsonPage> {
    const of = this.resource(resource);
    const { records, next } = await listRecords(this.context, this.#newRequest(), of, query);
    return { data: records.map(parseRecord), next };
  }

  async list(resource: string, query: ListQuery = {}): Promise<readonly JsonRecord[]> {
    return (await this.page(resource, query)).data;
  }

  async create(resource: string, body: object): Promise<JsonRecord> {
    const of = this.resource(resource);
    return parseRecord((await createRecord(this.context, this.#newRequest(), of, { body })).json);
  }

  async update(resource: string, id: string, body: object, version?: string): Promise<JsonRecord> {
    const of = this.resource(resource);
    const input = { id, body, version };
    return parseRecord((await updateRecord(this.context, this.#newRequest(), of, input)).json);
  }

  async delete(resource: string, id: string, version?: string): Promise<void> {
    const of = this.resource(resource);
    await deleteRecord(this.context, this.#newRequest(), of, { id, version });
  }

  protected request(): RequestContext {
    return this.#newRequest();
  }

  protected resource(name: string): ResourceModel {
    const resource = this.context.model.resources.get(name);
    if (resource === undefined) throw new TypeError(`There is no resource "${name}"`);
    return resource;
  }
}

function parseRecord(json: string): JsonRecord {
  return JSON.parse(json) as JsonRecord;
}
