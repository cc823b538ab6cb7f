// The same work as Backwright's by hand, statement after statement: key check, tenant wall, and on
// a create the idempotency claim, the row, its audit entry, its event and the stored reply.
import { createHash, hash } from "node:crypto";
import { eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import pg from "pg";
import { newId } from "../../src/base/ids.ts";
import { pageReply, poolConfig, prepareQueries } from "./queries.ts";
import {
  CREATE_BODY,
  type CreateRequest,
  createApp,
  databaseUrl,
  type GetRequest,
  type ListRequest,
  listen,
  RECORD_PARAMS,
} from "./requests.ts";
import { audit, events, idempotency, workOrders } from "./tables.ts";

const pool = new pg.Pool(poolConfig(databaseUrl()));
const app = createApp();
const SERVED = Object.keys(workOrders).filter((name) => name !== "organizationId");

interface Caller {
  readonly credential: string;
  readonly tenantId: string;
  readonly role: string;
  readonly subject: string;
}

const FIND_KEY = {
  name: "find_key",
  text: `select id as credential, tenant_id as "tenantId", role, subject
         from backwright.find_api_key($1)`,
};

async function authenticate(authorization = ""): Promise<Caller> {
  const digest = createHash("sha256").update(authorization.slice("Bearer ".length)).digest();
  const { rows } = await pool.query<Caller>({ ...FIND_KEY, values: [digest] });
  const [caller] = rows;
  if (caller === undefined) throw Object.assign(new Error("UNAUTHENTICATED"), { statusCode: 401 });
  return caller;
}

const prepared = new WeakMap<pg.PoolClient, Prepared>();
type Prepared = ReturnType<typeof prepare>;

/** Prepared once for each connection: statements made for each transaction would cost far more. */
function prepare(client: pg.PoolClient) {
  const db = drizzle({ client, jit: true });
  const given = (name: string) => sql`${sql.placeholder(name)}`;
  return {
    ...prepareQueries(client),
    claim: db
      .insert(idempotency)
      .values({
        tenantId: given("tenantId"),
        scope: given("scope"),
        key: given("key"),
        requestHash: given("requestHash"),
        mask: "",
        status: 0,
        recordId: given("id"),
        reply: "",
      })
      .onConflictDoNothing()
      .returning({ key: idempotency.key })
      .prepare("claim"),
    audit: db
      .insert(audit)
      .values({
        tenantId: given("tenantId"),
        requestId: given("requestId"),
        actor: given("subject"),
        credential: given("credential"),
        role: given("role"),
        operation: "created",
        resource: "workOrders",
        recordId: given("id"),
        after: sql`${sql.placeholder("record")}::json`,
      })
      .prepare("audit"),
    event: db
      .insert(events)
      .values({
        id: given("eventId"),
        tenantId: given("tenantId"),
        type: "workOrders.created",
        key: given("id"),
        sequence: 1,
        fields: SERVED,
        record: sql`${sql.placeholder("record")}::json`,
        actor: given("subject"),
        requestId: given("requestId"),
      })
      .prepare("event"),
    store: db
      .update(idempotency)
      .set({ status: 201, version: 1, reply: given("reply") })
      .where(
        sql`${eq(idempotency.tenantId, sql.placeholder("tenantId"))} and ${eq(
          idempotency.scope,
          sql.placeholder("scope"),
        )} and ${eq(idempotency.key, sql.placeholder("key"))}`,
      )
      .prepare("store"),
  };
}

/** A transaction behind the tenant's wall. The setting travels with BEGIN: one round trip less. */
async function asTenant<T>(caller: Caller, work: (queries: Prepared) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let queries = prepared.get(client);
  if (queries === undefined) {
    queries = prepare(client);
    prepared.set(client, queries);
  }
  try {
    const tenant = pg.escapeLiteral(caller.tenantId);
    await client.query(`begin; select set_config('backwright.tenant_id', ${tenant}, true)`);
    const result = await work(queries);
    await client.query("commit");
    client.release();
    return result;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

app.get<GetRequest>("/v1/work-orders/:id", {
  schema: { params: RECORD_PARAMS },
  handler: async (request, reply) => {
    const caller = await authenticate(request.headers.authorization);
    const wanted = { organization: caller.tenantId, id: request.params.id };
    const [data] = await asTenant(caller, (queries) => queries.get.execute(wanted));
    return data === undefined ? reply.code(404).send({ error: "NOT_FOUND" }) : { data };
  },
});

app.get<ListRequest>("/v1/work-orders", async (request) => {
  const caller = await authenticate(request.headers.authorization);
  const { "filter[status]": status, "filter[dueAt][lt]": dueBefore } = request.query;
  const wanted = { organization: caller.tenantId, status, dueBefore };
  return pageReply(await asTenant(caller, (queries) => queries.list.execute(wanted)));
});

app.post<CreateRequest>("/v1/work-orders", {
  schema: { body: CREATE_BODY },
  handler: async (request, reply) => {
    const caller = await authenticate(request.headers.authorization);
    const { body } = request;
    const key = request.headers["idempotency-key"];
    const scope = `${caller.subject} workOrders.create`;
    const claim = { tenantId: caller.tenantId, scope, key };
    const facts = { ...caller, id: newId(), requestId: newId(), eventId: newId() };
    const stored = await asTenant(caller, async (queries) => {
      const requestHash = hash("sha256", JSON.stringify(body));
      const claimed = await queries.claim.execute({ ...claim, id: facts.id, requestHash });
      if (claimed.length === 0) throw Object.assign(new Error("REPEATED"), { statusCode: 409 });
      const row = { organization: caller.tenantId, id: facts.id, ...body };
      const [data] = await queries.create.execute(row);
      const record = JSON.stringify(data);
      await queries.audit.execute({ ...facts, record });
      await queries.event.execute({ ...facts, record });
      const text = `{"data":${record}}`;
      await queries.store.execute({ ...claim, reply: text });
      return text;
    });
    return reply.code(201).header("content-type", "application/json; charset=utf-8").send(stored);
  },
});

await listen(app);
