// Bare Fastify with a constant reply: what this machine's HTTP alone allows.
import { createApp, listen } from "./requests.ts";

const RECORD = { id: "01a1c179-b049-7396-963f-af658badac22", description: "x".repeat(1_250) };

const app = createApp();
const one = JSON.stringify({ data: RECORD });
const page = JSON.stringify({ data: Array.from({ length: 25 }, () => RECORD) });
const json = "application/json; charset=utf-8";

app.get("/v1/work-orders/:id", (_request, reply) => reply.type(json).send(one));
app.get("/v1/work-orders", (_request, reply) => reply.type(json).send(page));
app.post("/v1/work-orders", (_request, reply) => reply.code(201).type(json).send(one));

await listen(app);
