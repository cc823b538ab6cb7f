// Operations for code of the same process: seeds, tests, scripts. The same way through as every
// face: policy, wall, audit and event.
import type { Actor } from "../access/actor.ts";
import { newId } from "../base/ids.ts";
import type { ResourceModel } from "../model/model.ts";
import { runAction } from "./action.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import type { ListQuery, RecordQuery } from "./parse-list.ts";
import { getRecord, listRecords } from "./read.ts";
import { createRecord, deleteRecord, updateRecord } from "./write.ts";

/** A record as the API shows it. */
export type JsonRecord = { readonly id: string } & Readonly<Record<string, unknown>>;

/** Calls operations as one actor, by the names of resources. All throw BackwrightError. */
export class Caller {
  readonly #context: OperationsContext;
  readonly #actor: Actor;

  constructor(context: OperationsContext, actor: Actor) {
    this.#context = context;
    this.#actor = actor;
  }

  async get(resource: string, id: string, query: RecordQuery = {}): Promise<JsonRecord> {
    const found = await getRecord(
      this.#context,
      this.#request(),
      this.#resource(resource),
      id,
      query,
    );
    return parseRecord(found.json);
  }

  async list(resource: string, query: ListQuery = {}): Promise<readonly JsonRecord[]> {
    const request = this.#request();
    const page = await listRecords(this.#context, request, this.#resource(resource), query);
    return page.records.map(parseRecord);
  }

  async create(resource: string, body: object): Promise<JsonRecord> {
    const request = this.#request();
    const made = await createRecord(this.#context, request, this.#resource(resource), { body });
    return parseRecord(made.json);
  }

  async update(resource: string, id: string, body: object): Promise<JsonRecord> {
    const input = { id, body };
    const request = this.#request();
    const made = await updateRecord(this.#context, request, this.#resource(resource), input);
    return parseRecord(made.json);
  }

  async delete(resource: string, id: string): Promise<void> {
    const request = this.#request();
    await deleteRecord(this.#context, request, this.#resource(resource), { id });
  }

  /** Runs an action; what it replies is its output, or the record. */
  async run(resource: string, id: string, action: string, body: object = {}): Promise<unknown> {
    const input = { id, body };
    const request = this.#request();
    const done = await runAction(this.#context, request, this.#resource(resource), action, input);
    return JSON.parse(done.json) as unknown;
  }

  #request(): RequestContext {
    return { actor: this.#actor, requestId: newId(), face: "process" };
  }

  #resource(name: string): ResourceModel {
    const resource = this.#context.model.resources.get(name);
    if (resource === undefined) throw new TypeError(`There is no resource "${name}"`);
    return resource;
  }
}

function parseRecord(json: string): JsonRecord {
  return JSON.parse(json) as JsonRecord;
}
