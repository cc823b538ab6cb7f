// Servers that are there already, each with a route, an error handler and a 404 of its own.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { fastify } from "fastify";
import type { MountedApi } from "../../src/index.ts";

export interface Host {
  readonly url: string;
  close(): Promise<void>;
}

export interface HostKind {
  readonly name: string;
  start(api: MountedApi): Promise<Host>;
}

export const HOST_HEADER = "x-host";

async function listening(server: Server): Promise<Host> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

type Use = (app: express.Express, api: MountedApi) => void;

function expressHost(name: string, use: Use): HostKind {
  return {
    name,
    start(api) {
      const app = express();
      app.use((_request, response, next) => {
        response.setHeader(HOST_HEADER, "express");
        next();
      });
      use(app, api);
      app.get("/api/v1/work-orders/:id/photos", (_request, response) => {
        response.json({ by: "host" });
      });
      app.get("/bug", () => {
        throw new Error("a bug of the host");
      });
      app.use((_request, response) => {
        response.status(404).json({ by: "host" });
      });
      const onError: express.ErrorRequestHandler = (_error, _request, response, _next) => {
        response.status(500).json({ by: "host" });
      };
      app.use(onError);
      return listening(createServer(app));
    },
  };
}

export const HOSTS: readonly HostKind[] = [
  expressHost("Express", (app, api) => app.use(api.handler)),
  expressHost("Express after express.json()", (app, api) => {
    app.use(express.json({ limit: "3mb" }), api.handler);
  }),
  expressHost("Express under app.use(path)", (app, api) => app.use("/api", api.handler)),
  expressHost("Express after express.raw()", (app, api) => {
    app.use(express.raw({ type: "application/json", limit: "3mb" }), api.handler);
  }),
  {
    name: "Fastify",
    async start(api) {
      const app = fastify({ bodyLimit: 10 });
      app.addHook("onRequest", async (_request, reply) => {
        reply.header(HOST_HEADER, "fastify");
      });
      await app.register(api.fastify);
      app.get("/api/v1/work-orders/:id/photos", async () => ({ by: "host" }));
      app.get("/bug", async () => {
        throw new Error("a bug of the host");
      });
      app.setNotFoundHandler((_request, reply) => reply.code(404).send({ by: "host" }));
      app.setErrorHandler((_error, _request, reply) => reply.code(500).send({ by: "host" }));
      const url = await app.listen({ host: "127.0.0.1", port: 0 });
      return {
        url,
        async close() {
          app.server.closeAllConnections();
          await app.close();
        },
      };
    },
  },
  {
    name: "Node",
    start(api) {
      const server = createServer((request, response) => {
        response.setHeader(HOST_HEADER, "node");
        api.handler(request, response, () => {
          const { pathname } = new URL(request.url ?? "/", "http://host");
          const isOwn = pathname.endsWith("/photos");
          response.statusCode = isOwn ? 200 : pathname === "/bug" ? 500 : 404;
          response.end(JSON.stringify({ by: "host" }));
        });
      });
      return listening(server);
    },
  },
];
