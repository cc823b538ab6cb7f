// Express and Prisma 7 (its client without the Rust engine), by their guides. Nothing else: no key
// check, no wall, no audit.
import { PrismaPg } from "@prisma/adapter-pg";
import { newId } from "../../src/base/ids.ts";
import { PrismaClient } from "../.generated/prisma/client.ts";
import { serveStore } from "./express-app.ts";
import { PAGE_SIZE, POOL_SIZE } from "./peers.ts";
import { databaseUrl } from "./requests.ts";

const adapter = new PrismaPg({ connectionString: databaseUrl(), max: POOL_SIZE, min: POOL_SIZE });
const prisma = new PrismaClient({ adapter });
const omit = { organizationId: true } as const;
const include = { asset: { omit }, assignee: { omit } } as const;

serveStore({
  get: (organizationId, id) =>
    prisma.workOrder.findUnique({
      where: { organizationId_id: { organizationId, id } },
      omit,
      include,
    }),
  list: (organizationId, status, dueBefore) =>
    prisma.workOrder.findMany({
      where: { organizationId, status, dueAt: { lt: dueBefore } },
      orderBy: [{ dueAt: { sort: "desc", nulls: "last" } }, { id: "desc" }],
      take: PAGE_SIZE + 1,
      omit,
      include,
    }),
  create: (organizationId, body) =>
    prisma.workOrder.create({ data: { organizationId, id: newId(), ...body }, omit }),
});
