// Hand-written Fastify and Drizzle with nothing else: no key check, no wall between tenants, no
// audit, event, idempotency or log. One prepared statement for each request.
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

const queries = prepareQueries(new pg.Pool(poolConfig(databaseUrl())));
const app = createApp();

app.get<GetRequest>("/v1/work-orders/:id", {
  schema: { params: RECORD_PARAMS },
  handler: async (request, reply) => {
    const organization = request.headers["x-organization-id"];
    const [data] = await queries.get.execute({ organization, id: request.params.id });
    return data === undefined ? reply.code(404).send({ error: "NOT_FOUND" }) : { data };
  },
});

app.get<ListRequest>("/v1/work-orders", async (request) => {
  const organization = request.headers["x-organization-id"];
  const { "filter[status]": status, "filter[dueAt][lt]": dueBefore } = request.query;
  return pageReply(await queries.list.execute({ organization, status, dueBefore }));
});

app.post<CreateRequest>("/v1/work-orders", {
  schema: { body: CREATE_BODY },
  handler: async (request, reply) => {
    const organization = request.headers["x-organization-id"];
    const [data] = await queries.create.execute({ organization, id: newId(), ...request.body });
    return reply.code(201).send({ data });
  },
});

await listen(app);
