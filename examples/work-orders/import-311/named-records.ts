// Finds or creates the records that a request refers to, each by its name and each once: teams,
// categories, sites, the user of the 311 line.
import { type Api, type Created, Refused } from "./api.ts";
import { fingerprint } from "./service-request.ts";

/**
 * One resource whose records are known by a unique field.
 * LIMIT: two imports at the same moment may both create a name that is new to both in two
 * spellings; the same spelling is created once, whoever comes first.
 */
export class NamedRecords {
  readonly #api: Api;
  readonly #resource: string;
  readonly #field: string;
  readonly #keyOf: (name: string) => string;
  readonly #ids = new Map<string, Promise<string>>();

  /** `keyOf` gives names that mean the same record the same key. */
  constructor(
    api: Api,
    resource: string,
    options: { field?: string; keyOf?: (name: string) => string } = {},
  ) {
    this.#api = api;
    this.#resource = resource;
    this.#field = options.field ?? "name";
    this.#keyOf = options.keyOf ?? ((name) => name);
  }

  /** Learns every record there is, for resources with few. */
  async learnAll(): Promise<void> {
    const query = { sort: this.#field, fields: `id,${this.#field}` };
    for await (const record of this.#api.list(this.#resource, query)) this.#learn(record);
  }

  /** Learns which of these names are there, in the same spelling. */
  async learn(names: Iterable<string>): Promise<void> {
    const unknown = [...new Set(names)].filter((name) => !this.#ids.has(this.#keyOf(name)));
    const fields = `id,${this.#field}`;
    const found = await this.#api.findAll(this.#resource, this.#field, unknown, fields);
    for (const record of found) this.#learn(record);
  }

  /** The id of a record, created with this body when its name is not known. Throws as Api does. */
  idOf(body: Readonly<Record<string, unknown>>): Promise<string> {
    const key = this.#keyOf(String(body[this.#field]));
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const made = this.#create(body);
    this.#ids.set(key, made);
    // The next one to ask tries again.
    made.catch(() => this.#ids.delete(key));
    return made;
  }

  /** The id of a name, when it is known. */
  async find(name: string): Promise<string | undefined> {
    return await this.#ids.get(this.#keyOf(name));
  }

  #learn(record: Created["record"]): void {
    const key = this.#keyOf(String(record[this.#field]));
    if (!this.#ids.has(key)) this.#ids.set(key, Promise.resolve(record.id));
  }

  async #create(body: Readonly<Record<string, unknown>>): Promise<string> {
    try {
      const { record } = await this.#api.create(this.#resource, body, `311-${fingerprint(body)}`);
      return record.id;
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "CONFLICT") throw error;
      // RACE: somebody else created it between our question and our request.
      const name = String(body[this.#field]);
      const [found] = await this.#api.findAll(this.#resource, this.#field, [name], "id");
      if (found === undefined) throw error;
      return found.id;
    }
  }
}
