// Nest and TypeORM by their guides; decorators are applied as functions, because Node runs this
// file without a build. Nothing else: no key check, no wall, no audit.
import "reflect-metadata";
import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Inject,
  Module,
  NotFoundException,
  Param,
  Post,
  Query,
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { DataSource, EntitySchema, type EntitySchemaColumnOptions } from "typeorm";
import { newId } from "../../src/base/ids.ts";
import { CREATE, ID, LIST, PAGE_SIZE, POOL_SIZE, pageOf, shown } from "./peers.ts";
import { databaseUrl } from "./requests.ts";

const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

type Kind = EntitySchemaColumnOptions["type"];
const column = (name: string, type: Kind, rest: Partial<EntitySchemaColumnOptions> = {}) => ({
  [name]: { name: snake(name), type, ...rest },
});
const nullable = { nullable: true };
const now = { default: () => "now()" };
const key = { primary: true };
const common = {
  ...column("organizationId", "uuid", key),
  ...column("id", "uuid", key),
  ...column("createdAt", "timestamptz", now),
  ...column("updatedAt", "timestamptz", now),
  ...column("version", "integer", { default: 1 }),
};

interface Tracked {
  organizationId: string;
  id: string;
  createdAt: Date;
  updatedAt: Date;
  version: number;
}
interface User extends Tracked {
  name: string;
  email: string;
  phone: string | null;
}
interface Asset extends Tracked {
  siteId: string;
  parentId: string | null;
  name: string;
  serialNumber: string | null;
}
interface WorkOrder extends Tracked {
  number: number;
  externalId: string | null;
  title: string;
  description: string | null;
  status: string;
  priority: string;
  siteId: string;
  location: string | null;
  assetId: string | null;
  categoryId: string | null;
  skillId: string | null;
  teamId: string | null;
  assigneeId: string | null;
  requesterId: string;
  internalNotes: string | null;
  reason: string | null;
  reportedAt: Date;
  dueAt: Date | null;
  heldAt: Date | null;
  closedAt: Date | null;
  asset?: Asset | null;
  assignee?: User | null;
}

const users = new EntitySchema<User>({
  name: "User",
  tableName: "users",
  columns: {
    ...common,
    ...column("name", "text"),
    ...column("email", "text"),
    ...column("phone", "text", nullable),
  },
});
const assets = new EntitySchema<Asset>({
  name: "Asset",
  tableName: "assets",
  columns: {
    ...common,
    ...column("siteId", "uuid"),
    ...column("parentId", "uuid", nullable),
    ...column("name", "text"),
    ...column("serialNumber", "text", nullable),
  },
});
const toOne = (target: string, name: string) => ({
  type: "many-to-one" as const,
  target,
  joinColumn: [
    { name: "organization_id", referencedColumnName: "organizationId" },
    { name, referencedColumnName: "id" },
  ],
});
const workOrders = new EntitySchema<WorkOrder>({
  name: "WorkOrder",
  tableName: "work_orders",
  columns: {
    ...common,
    // Filled by a trigger: a default makes TypeORM read it back.
    ...column("number", "integer", { default: 0 }),
    ...column("externalId", "text", nullable),
    ...column("title", "text"),
    ...column("description", "text", nullable),
    ...column("status", "text", { default: "open" }),
    ...column("priority", "text", { default: "normal" }),
    ...column("siteId", "uuid"),
    ...column("location", "text", nullable),
    ...column("assetId", "uuid", nullable),
    ...column("categoryId", "uuid", nullable),
    ...column("skillId", "uuid", nullable),
    ...column("teamId", "uuid", nullable),
    ...column("assigneeId", "uuid", nullable),
    ...column("requesterId", "uuid"),
    ...column("internalNotes", "text", nullable),
    ...column("reason", "text", nullable),
    ...column("reportedAt", "timestamptz", now),
    ...column("dueAt", "timestamptz", nullable),
    ...column("heldAt", "timestamptz", nullable),
    ...column("closedAt", "timestamptz", nullable),
  },
  relations: { asset: toOne("Asset", "asset_id"), assignee: toOne("User", "assignee_id") },
});

const source = await new DataSource({
  type: "postgres",
  url: databaseUrl(),
  poolSize: POOL_SIZE,
  entities: [users, assets, workOrders],
}).initialize();

const related = <T extends Tracked>(record: T | null | undefined) =>
  record == null ? null : shown(record);
const withRelations = (row: WorkOrder) => ({
  ...shown(row),
  asset: related(row.asset),
  assignee: related(row.assignee),
});

class WorkOrdersService {
  readonly #records = source.getRepository(workOrders);

  #joined(organizationId: string) {
    return this.#records
      .createQueryBuilder("w")
      .leftJoinAndSelect("w.asset", "asset")
      .leftJoinAndSelect("w.assignee", "assignee")
      .where("w.organizationId = :organizationId", { organizationId });
  }

  async get(organizationId: string, id: string) {
    const row = await this.#joined(organizationId).andWhere("w.id = :id", { id }).getOne();
    return row && withRelations(row);
  }

  // `limit`, not `take`: with relations to one record each it cuts right, in one query of two.
  async list(organizationId: string, status: string, dueBefore: Date) {
    const rows = await this.#joined(organizationId)
      .andWhere("w.status = :status and w.dueAt < :dueBefore", { status, dueBefore })
      .orderBy("w.dueAt", "DESC", "NULLS LAST")
      .addOrderBy("w.id", "DESC", "NULLS LAST")
      .limit(PAGE_SIZE + 1)
      .getMany();
    return rows.map(withRelations);
  }

  // `insert`, not `save`, which would look for the record first.
  async create(organizationId: string, body: unknown) {
    const given = CREATE.parse(body);
    const record = { organizationId, id: newId(), ...given };
    const { generatedMaps } = await this.#records
      .createQueryBuilder()
      .insert()
      .values(record)
      .returning("*")
      .execute();
    return shown({ ...record, ...(generatedMaps[0] as unknown as WorkOrder) });
  }
}

class HealthController {
  check() {
    return { status: "ok" };
  }
}

class WorkOrdersController {
  readonly #service: WorkOrdersService;

  constructor(service: WorkOrdersService) {
    this.#service = service;
  }

  async get(organizationId: string, id: string) {
    const data = await this.#service.get(ID.parse(organizationId), ID.parse(id));
    if (data === null) throw new NotFoundException();
    return { data };
  }

  async list(organizationId: string, query: unknown) {
    const given = LIST.parse(query);
    const dueBefore = new Date(given["filter[dueAt][lt]"]);
    return pageOf(
      await this.#service.list(ID.parse(organizationId), given["filter[status]"], dueBefore),
    );
  }

  async create(organizationId: string, body: unknown) {
    return { data: await this.#service.create(ID.parse(organizationId), body) };
  }
}

class AppModule {}

/** What `@Get() get(@Headers(…) …, @Param(…) …)` would say. */
function route(
  prototype: object,
  method: string,
  decorators: readonly MethodDecorator[],
  parameters: readonly ParameterDecorator[],
): void {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method);
  if (descriptor === undefined) throw new Error(`There is no method ${method}.`);
  for (const [at, decorate] of parameters.entries()) decorate(prototype, method, at);
  for (const decorate of decorators) decorate(prototype, method, descriptor);
}

const organization = Headers("x-organization-id");
Controller("health")(HealthController);
route(HealthController.prototype, "check", [Get()], []);
Controller("v1/work-orders")(WorkOrdersController);
Inject(WorkOrdersService)(WorkOrdersController, undefined, 0);
route(WorkOrdersController.prototype, "get", [Get(":id")], [organization, Param("id")]);
route(WorkOrdersController.prototype, "list", [Get()], [organization, Query()]);
route(WorkOrdersController.prototype, "create", [Post(), HttpCode(201)], [organization, Body()]);
Module({
  controllers: [HealthController, WorkOrdersController],
  providers: [WorkOrdersService],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: ["error"] });
process.on("SIGTERM", () => process.exit(0));
await app.listen(Number(process.env.PORT), "127.0.0.1");
