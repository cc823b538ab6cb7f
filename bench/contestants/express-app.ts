// Express 5 as its guide sets it up; the store behind the three endpoints differs.
import express from "express";
import type { z } from "zod";
import { CREATE, ID, LIST, pageOf } from "./peers.ts";

export interface Store {
  get(organizationId: string, id: string): Promise<object | null>;
  /** Up to one row more than a page, newest due date first. */
  list(
    organizationId: string,
    status: string,
    dueBefore: Date,
  ): Promise<readonly { id: string; dueAt: Date | null }[]>;
  create(organizationId: string, body: z.infer<typeof CREATE>): Promise<object>;
}

export function serveStore(store: Store): void {
  const app = express();
  app.use(express.json());
  app.get("/health", (_request, response) => {
    response.json({ status: "ok" });
  });
  app.get("/v1/work-orders/:id", async (request, response) => {
    const data = await store.get(organizationOf(request), ID.parse(request.params.id));
    if (data === null) response.status(404).json({ error: "NOT_FOUND" });
    else response.json({ data });
  });
  app.get("/v1/work-orders", async (request, response) => {
    const query = LIST.parse(request.query);
    const dueBefore = new Date(query["filter[dueAt][lt]"]);
    const rows = await store.list(organizationOf(request), query["filter[status]"], dueBefore);
    response.json(pageOf(rows));
  });
  app.post("/v1/work-orders", async (request, response) => {
    const data = await store.create(organizationOf(request), CREATE.parse(request.body));
    response.status(201).json({ data });
  });
  process.on("SIGTERM", () => process.exit(0));
  app.listen(Number(process.env.PORT), "127.0.0.1");
}

function organizationOf(request: express.Request): string {
  return ID.parse(request.get("x-organization-id"));
}
