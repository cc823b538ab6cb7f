// What a correct use is inferred as. Compiled by a test; nothing in here runs.

import type { Client } from "../../../src/client/index.ts";
import type { Field, Resource, Rows } from "../../../src/model/declare.ts";
import type { Claim } from "../../../src/model/declare-claims.ts";
import type { AnyBackend, AnyResource } from "../../../src/model/declare-untyped.ts";
import { type App, me, rows } from "./domain.ts";
import { type Api, default as app, assets, users } from "./resources.ts";
import type * as tables from "./schema.ts";

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<_T extends true>(): void {}

type Status = "open" | "assigned" | "in_progress" | "done" | "cancelled";

// columns
type WorkOrder = typeof tables.workOrders.$inferSelect;
is<Equal<WorkOrder["status"], Status>>();
is<Equal<WorkOrder["id"], string>>();
is<Equal<WorkOrder["createdAt"], Date>>();
is<Equal<WorkOrder["version"], number>>();
type NewAsset = typeof tables.assets.$inferInsert;
is<Equal<NewAsset["id"], string | undefined>>();
is<Equal<NewAsset["updatedAt"], Date | undefined>>();
is<Equal<NewAsset["version"], number | undefined>>();
is<Equal<NewAsset["name"], string>>();

// claims
is<Equal<typeof me.id, Claim<"uuid">>>();
is<Equal<typeof me.tenantId, Claim<"uuid">>>();
is<Equal<typeof me.teamIds, Claim<"uuid[]">>>();
is<Equal<typeof me.region, Claim<"text">>>();
is<Equal<typeof me.onCall, Claim<"boolean">>>();
is<Equal<typeof me.level, Claim<"integer">>>();
is<Equal<keyof typeof me, "id" | "tenantId" | "teamIds" | "region" | "onCall" | "level">>();

// names
is<Equal<App["role"], "manager" | "dispatcher" | "technician" | "requester">>();
is<Equal<Field<"teamMembers", App>, "organizationId" | "teamId" | "userId">>();
const mine = rows("workOrders", { assigneeId: me.id });
is<Equal<typeof mine, Rows<"workOrders", App>>>();
is<Equal<typeof assets, Resource<"assets", App, never>>>();
is<Equal<typeof users, Resource<"users", App, "passwordHash">>>();

// declarations without their types, as the compiler of the model takes them
export const untyped: readonly [AnyBackend, AnyResource, AnyResource] = [app, assets, users];

// contract
is<Equal<keyof Api, "workOrders" | "assets" | "users">>();
is<
  Equal<
    Api["workOrders"]["fields"],
    {
      organizationId: string;
      id: string;
      title: string;
      description: string | null;
      status: Status;
      assetId: string;
      assigneeId: string | null;
      requesterId: string;
      teamId: string | null;
      dueAt: string | null;
      createdAt: string;
      updatedAt: string;
      version: number;
    }
  >
>();
is<
  Equal<
    Api["workOrders"]["write"],
    {
      organizationId?: string;
      title?: string;
      description?: string | null;
      status?: Status;
      assetId?: string;
      assigneeId?: string | null;
      requesterId?: string;
      teamId?: string | null;
      dueAt?: string | null;
    }
  >
>();
is<
  Equal<
    Api["workOrders"]["links"],
    {
      asset: { to: "assets"; optional: false };
      assignee: { to: "users"; optional: true };
      requester: { to: "users"; optional: false };
    }
  >
>();
is<Equal<Api["assets"]["links"], { workOrders: { to: "workOrders"; many: true } }>>();
is<
  Equal<
    Api["workOrders"]["actions"],
    {
      readonly assign: {
        readonly input: { technicianId: string };
        readonly output: { id: string; dueAt: string | null };
      };
      readonly start: { readonly input: undefined; readonly output: "the record" };
      readonly close: { readonly input: { reason: string }; readonly output: "the record" };
    }
  >
>();
is<Equal<keyof Api["assets"]["actions"], never>>();

// client
declare const client: Client<Api>;
export async function useActions(): Promise<void> {
  const assigned = await client.workOrders.assign("1", { technicianId: "x" });
  is<Equal<typeof assigned, { id: string; dueAt: string | null }>>();
  const started = await client.workOrders.start("1");
  is<Equal<typeof started.status, Status>>();
  is<Equal<typeof started, Api["workOrders"]["fields"]>>();
  await client.workOrders.start("1", undefined, { idempotencyKey: "a", ifVersion: 2 });
  const page = await client.workOrders.list({
    filter: { status: "open", or: [{ title: { ne: "a" } }, { not: { "asset.name": "b" } }] },
  });
  is<Equal<(typeof page.data)[number]["id"], string>>();
  const asset = await client.assets.get("1", {
    fields: ["id"],
    include: {
      workOrders: {
        fields: ["title"],
        page: { size: 5 },
        include: { assignee: { fields: ["name"] } },
      },
    },
  });
  is<
    Equal<
      (typeof asset.workOrders.data)[number],
      { title: string; assignee: { name: string } | null }
    >
  >();
  is<Equal<(typeof asset.workOrders.meta.pagination)["next"], string | null>>();
}
export async function useAggregates(): Promise<void> {
  const report = await client.workOrders.aggregate({
    groupBy: ["status", "dueAt.month"],
    count: true,
    sum: ["version"],
    max: ["dueAt", "version"],
    filter: { status: { in: ["open", "done"] } },
    sort: ["-count", "dueAt.month", "max.dueAt"],
    page: { size: 10 },
    timeZone: "Europe/Berlin",
  });
  is<
    Equal<
      (typeof report.data)[number],
      {
        group: { status: Status; "dueAt.month": string | null };
        count: number;
        sum: { version: string | null };
        max: { dueAt: string | null; version: number | null };
      }
    >
  >();
  const whole = await client.workOrders.aggregate({ sum: ["version"] });
  is<Equal<(typeof whole.data)[number]["sum"], { version: string | null }>>();
}
is<Equal<Api["assets"]["fields"]["attributes"], { floor: number } | null>>();
is<Equal<Api["assets"]["fields"]["tags"], string[]>>();
is<Equal<Api["assets"]["fields"]["price"], string | null>>();
is<Equal<Api["assets"]["fields"]["counter"], string>>();
is<Equal<Api["assets"]["write"]["counter"], string | number | undefined>>();
is<Equal<"passwordHash" extends keyof Api["users"]["fields"] ? true : false, false>>();
is<Equal<"passwordHash" extends keyof Api["users"]["write"] ? true : false, false>>();
