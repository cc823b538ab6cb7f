// `ops` of an action: operations as its caller, in its transaction. Knows no rights of its own:
// what the caller may not do through the API is refused here as well. Speaks the names of the
// declaration, as the code of the action does, through whichever version it was called.
import { BackwrightError } from "../base/errors.ts";
import type { Transaction } from "../database/transaction.ts";
import type { OperationsContext, RequestContext } from "./context.ts";
import type { ListQuery, RawFilter } from "./parse-list.ts";
import { parseTarget } from "./parse-several.ts";
import { queryText } from "./parsing.ts";
import { type JsonPage, type JsonRecord, RecordCaller } from "./record-caller.ts";

interface ResourceOps {
  get(id: string): Promise<JsonRecord>;
  list(query?: OpsQuery): Promise<JsonPage>;
  create(body: object): Promise<JsonRecord>;
  update(id: string, patch: object, options?: OpsOptions): Promise<JsonRecord>;
  delete(id: string, options?: OpsOptions): Promise<void>;
}

interface OpsOptions {
  readonly ifVersion?: number;
}

interface OpsQuery {
  readonly filter?: Readonly<Record<string, unknown>>;
  readonly sort?: string | readonly string[];
  readonly page?: { readonly size?: number; readonly after?: string };
}

/** By the name of the resource. `tracked` hears of every answer that is still to come. */
export function actionOps(
  called: OperationsContext,
  request: RequestContext,
  transaction: Transaction,
  tracked: <T>(answer: Promise<T>) => Promise<T>,
): Readonly<Record<string, ResourceOps>> {
  const context = called.declared ?? called;
  // A write that fails is undone by itself, so that code which catches its error can go on.
  const write = <T>(work: (caller: RecordCaller) => Promise<T>): Promise<T> =>
    tracked(
      transaction.nested((inner) =>
        work(callerOn({ ...context, database: inner.executor }, request)),
      ),
    );
  const reading = callerOn({ ...context, database: transaction.executor }, request);
  const opsOf = (name: string): ResourceOps => ({
    get: (id) => tracked(inTurn(() => reading.get(name, parseTarget({ id }).id))),
    list: (query) => tracked(inTurn(() => reading.page(name, listQuery(query)))),
    create: (body) => write((caller) => caller.create(name, body)),
    update: (id, patch, options) =>
      write((caller) => {
        const target = targetOf(id, options);
        return caller.update(name, target.id, patch, target.version);
      }),
    delete: (id, options) =>
      write((caller) => {
        const target = targetOf(id, options);
        return caller.delete(name, target.id, target.version);
      }),
  });
  return new Proxy(Object.freeze({}), {
    get(_target, name) {
      if (typeof name !== "string" || name === "then") return undefined;
      if (context.model.resources.has(name)) return opsOf(name);
      throw new TypeError(`ops has no ${name}: there is no such resource.`);
    },
  });
}

function callerOn(context: OperationsContext, request: RequestContext): RecordCaller {
  return new RecordCaller(context, () => request);
}

/** What is thrown at once is an answer, too. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  return await work();
}

function targetOf(id: string, { ifVersion }: OpsOptions = {}) {
  return parseTarget(ifVersion === undefined ? { id } : { id, version: ifVersion });
}

/** As the query string would say it. */
function listQuery({ filter = {}, sort, page = {} }: OpsQuery = {}): ListQuery {
  const { size, after } = page;
  return {
    filters: Object.entries(filter).flatMap(([field, test]) => rawFilters(field, test)),
    sort: sort === undefined ? undefined : [sort].flat().join(),
    size: size === undefined ? undefined : String(size),
    after,
  };
}

function rawFilters(field: string, test: unknown): RawFilter[] {
  if (test !== undefined && test !== null && typeof test !== "object") {
    return [{ field, operator: "eq", value: queryText(test) }];
  }
  const tests = Object.entries(test ?? {});
  // A condition that is lost on its way would widen what is found.
  if (tests.length === 0) throw withoutTest(field);
  return tests.map(([operator, value]) => {
    if (value === undefined || value === null) throw withoutTest(field);
    return { field, operator, value: queryText(value) };
  });
}

function withoutTest(field: string): BackwrightError {
  const message = 'needs a value or a test, such as { ne: "x" }; isNull tests for none';
  const details = [{ field: `filter[${field}]`, message }];
  return new BackwrightError("PARAMETER_INVALID", { details });
}
