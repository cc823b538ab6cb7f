// What the hand-written contestants take: Fastify's own validation by JSON Schema, as everybody
// uses it. The organization comes in a header, for only one of them checks keys.
import { fastify } from "fastify";

export const CREATE_BODY = {
  type: "object",
  additionalProperties: false,
  required: ["title", "siteId", "requesterId"],
  properties: {
    title: { type: "string" },
    description: { type: "string", nullable: true },
    siteId: { type: "string", format: "uuid" },
    assetId: { type: "string", format: "uuid", nullable: true },
    requesterId: { type: "string", format: "uuid" },
    priority: { type: "string", enum: ["low", "normal", "high", "urgent"] },
    dueAt: { type: "string", format: "date-time", nullable: true },
  },
} as const;

export const RECORD_PARAMS = {
  type: "object",
  required: ["id"],
  properties: { id: { type: "string", format: "uuid" } },
} as const;

export interface CreateRequest {
  Headers: { "x-organization-id": string; "idempotency-key": string };
  Body: {
    readonly title: string;
    readonly description: string | null;
    readonly siteId: string;
    readonly assetId: string | null;
    readonly requesterId: string;
    readonly priority: string;
    readonly dueAt: string | null;
  };
}

export interface GetRequest {
  Headers: { "x-organization-id": string };
  Params: { id: string };
}

export interface ListRequest {
  Headers: { "x-organization-id": string };
  Querystring: { "filter[status]": string; "filter[dueAt][lt]": string };
}

export function createApp() {
  const app = fastify({ logger: false });
  app.get("/health", () => ({ status: "ok" }));
  return app;
}

export async function listen(app: ReturnType<typeof createApp>): Promise<void> {
  process.on("SIGTERM", () => process.exit(0));
  await app.listen({ host: "127.0.0.1", port: Number(process.env.PORT) });
}

/** An address of the environment. Throws where the runner has not set it. */
export function databaseUrl(): string {
  const url = process.env.DATABASE_URL;
  if (url === undefined) throw new Error("DATABASE_URL is not set.");
  return url;
}
